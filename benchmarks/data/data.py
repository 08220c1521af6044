#!/usr/bin/env python3
"""Batches a second of Downbeat's loader beside torch::data's and torch.utils.data's, over shuffled examples of the
digits' shape in batches of 32. The datasets give single examples, which the loader stacks, or whole batches.

    bazel run -c opt //benchmarks/data [-- --repetitions 9]

Without workers a process keeps to one core; with two, threads (in Python: processes) are what is measured, and all
cores are theirs. torch::data ends its workers with every pass and starts them anew; the others keep them."""
import json
import os

from benchmarks.support import machine
from benchmarks.support.runner import Benchmark, output_of, parser_of, pinned

HERE = os.path.dirname(os.path.abspath(__file__))
OURS, LIBTORCH, PYTHON = "Downbeat's BatchLoader", "torch::data::DataLoader", "torch.utils.data.DataLoader"
CASES = [(dataset, workers) for dataset in ("get", "get_batch") for workers in (0, 2)]
NAMES = {"get": "single examples", "get_batch": "whole batches"}


def command_of(side, python):
    if side == PYTHON:
        return [python, os.path.join(os.path.dirname(os.path.realpath(__file__)), "one_pass.py")]
    return [os.path.join(HERE, "one_pass"), "downbeat" if side == OURS else "libtorch"]


def passes_of(side, dataset, workers):
    """As many as take half a second or so."""
    if side == PYTHON:
        return 20
    return {("get", 0): 300, ("get", 2): 400, ("get_batch", 0): 4000, ("get_batch", 2): 800}[dataset, workers]


def measure(side, dataset, workers, python, smoke):
    passes = 2 if smoke else passes_of(side, dataset, workers)
    said = output_of([*command_of(side, python), dataset, str(workers), str(passes)],
                     env={**os.environ, "OMP_NUM_THREADS": "1"}, preexec_fn=None if workers else pinned())
    return json.loads(said.splitlines()[-1])


def main():
    options = parser_of(__doc__, smoke="each side once with a few passes").parse_args()
    bench = Benchmark("data", "Batches of a data loader", smoke=options.smoke, repetitions=options.repetitions)
    python = machine.environment_of(".venv-reference")
    if not python:
        bench.missing(PYTHON, "tests/parity/reference/setup.sh makes .venv-reference")
    sides = (OURS, LIBTORCH, PYTHON) if python else (OURS, LIBTORCH)
    bench.expect(options.repetitions * len(CASES) * (5 if python else 2))
    for dataset, workers in CASES:
        name = f"{NAMES[dataset]}, {workers} workers"
        bench.case(name, {side: lambda side=side: measure(side, dataset, workers, python, options.smoke)
                          for side in sides}, base=OURS, unit="batches a second", higher_is_better=True,
                   spread=0.1 if workers else 0.05)
    bench.finish()


main()
