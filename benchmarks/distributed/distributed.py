#!/usr/bin/env python3
"""Two processes beside one: how much of twice the speed is left (efficiency), whether reductions of gradients run while
backward does (overlap), and what a reduction costs by its size and the number of ranks (communication).

    bazel run -c opt //benchmarks/distributed [-- --repetitions 6 --only efficiency]

Each process has one thread and a core of its own; torchrun starts them, Downbeat's as well as Python's. All sides train
the same network from the same weights on the same batches, and must end with the same weights, or the benchmark fails.
Four ranks on fewer cores share them, which the tables say."""
from benchmarks.distributed import communication, efficiency, launch, overlap
from benchmarks.support import machine
from benchmarks.support.runner import Benchmark, parser_of

PARTS = {"efficiency": efficiency, "overlap": overlap, "communication": communication}


def can_measure(bench):
    if not machine.environment_of(".venv-reference"):
        bench.missing("training on several processes", "torchrun and its Python rivals need .venv-reference, which "
                      "tests/parity/reference/setup.sh makes")
    elif len(launch.CORES) < 2:
        bench.missing("training on several processes", "it needs two cores")
    return not bench.absent


def main():
    parser = parser_of(__doc__, smoke="each side once with two steps", repetitions=6)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="PART",
                        help=f"of {', '.join(PARTS)}")
    options = parser.parse_args()
    bench = Benchmark("distributed", "Training on two processes", smoke=options.smoke, repetitions=options.repetitions)
    if can_measure(bench):
        bench.expect(15 + 70 * options.repetitions)
        for part in options.only:
            PARTS[part].measure(bench)
    bench.finish()


main()
