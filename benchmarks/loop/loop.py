#!/usr/bin/env python3
"""A whole training step: Downbeat's Trainer beside the same loop written by hand, the usual LibTorch loop,
transformers.Trainer, and the loop by hand in Python.

    bazel run -c opt //benchmarks/loop [-- --repetitions 9]

Each measurement is a process of its own, with one thread, on one core. Its steps a second are those after a warm-up;
the time to the first step begins before the process does; its peak memory is the kernel's VmHWM. All programs have the
same model, initial weights, batches, settings and (where a loop of people's own would not differ) order of the data:
the loop by hand must end in the very bits of Trainer's weights, the others close to them, or the benchmark fails.

Differences of a percent are beyond that: two processes of one program differ by more. So Trainer and the loop by hand
are measured once more in turn within one process, slices of some steps each."""
import dataclasses
import json
import os
import statistics
import tempfile
import time

from benchmarks.support import machine
from benchmarks.support.runner import Benchmark, output_of, parser_of, pinned

HERE = os.path.dirname(os.path.abspath(__file__))
OURS, BY_HAND, USUAL = "Downbeat's Trainer", "by hand", "usual LibTorch loop"
KEPT = f"{OURS}, keep_freed_memory()"
THEIRS, PYTHON = "transformers.Trainer", "by hand in Python"
CLOSE_SPREAD = 0.01
QUANTITIES = ("steps a second", "seconds to first step", "peak MiB")


@dataclasses.dataclass
class Case:
    name: str
    group: str
    model: str
    steps: int  # of a program in C++
    python_steps: int
    callbacks: int = 0
    accumulation: int = 1
    sides: tuple = (OURS, BY_HAND, USUAL, THEIRS, PYTHON)
    seconds: float = 0.9  # about, of a process in C++


CASES = [
    Case("a linear layer of 8", "models", "linear", 12000, 1500),
    Case("the digits MLP, batch 32", "models", "digits", 6000, 1000),
    Case("a small transformer", "models", "transformer", 250, 150, seconds=1.5,
         sides=(OURS, KEPT, BY_HAND, USUAL, THEIRS, PYTHON)),
    Case("GPT-2 of 10 million parameters", "models", "gpt", 16, 16, seconds=3.5,
         sides=(OURS, KEPT, BY_HAND, USUAL, THEIRS, PYTHON)),
    Case("a linear layer of 8, 4 callbacks", "callbacks", "linear", 12000, 1500, callbacks=4, sides=(OURS, BY_HAND)),
    Case("a linear layer of 8, 16 callbacks", "callbacks", "linear", 12000, 1500, callbacks=16,
         sides=(OURS, BY_HAND, THEIRS)),
    Case("the digits MLP, 4 callbacks", "callbacks", "digits", 6000, 1000, callbacks=4, sides=(OURS, BY_HAND)),
    Case("the digits MLP, 16 callbacks", "callbacks", "digits", 6000, 1000, callbacks=16, sides=(OURS, BY_HAND)),
    Case("a linear layer of 8, accumulation 8", "accumulation", "linear", 1800, 300, accumulation=8,
         sides=(OURS, BY_HAND, USUAL)),
    Case("the digits MLP, accumulation 8", "accumulation", "digits", 900, 200, accumulation=8,
         sides=(OURS, BY_HAND, USUAL)),
]

# In turn within one process.
CLOSE_CASES = [
    Case("a linear layer of 8, in turn", "in turn", "linear", 12000, 0),
    Case("a linear layer of 8, 16 callbacks, in turn", "in turn", "linear", 12000, 0, callbacks=16),
    Case("the digits MLP, in turn", "in turn", "digits", 6000, 0),
    Case("the digits MLP, 16 callbacks, in turn", "in turn", "digits", 6000, 0, callbacks=16),
    Case("a small transformer, in turn", "in turn", "transformer", 240, 0),
]


def is_python(side):
    return side in (THEIRS, PYTHON)


def command_of(side, python):
    programs = {OURS: "trainer", KEPT: "trainer", BY_HAND: "by_hand", USUAL: "usual"}
    if side in programs:
        return [os.path.join(HERE, programs[side])]
    script = os.path.join(os.path.dirname(os.path.realpath(__file__)), "reference.py")
    return [python, script, "trainer" if side == THEIRS else "by_hand"]


def warm_up_of(steps):
    return min(50, max(2, steps // 4))


def printed_by(command, case, steps, **variables):
    """What one process prints: a line of JSON."""
    runfiles = os.getcwd()
    words = [case.model, case.callbacks, case.accumulation, steps, warm_up_of(steps)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1",
                   "TEST_SRCDIR": os.path.dirname(runfiles),  # where the programs find digits.csv
                   "DIGITS_CSV": os.path.join(runfiles, "examples", "digits", "digits.csv"),
                   "LOOP_STARTED_NS": str(time.monotonic_ns()), **variables}
    with tempfile.TemporaryDirectory() as directory:
        said = output_of([*command, *map(str, words)], cwd=directory, env=environment, preexec_fn=pinned())
    return json.loads(said.splitlines()[-1])


def measure(side, case, steps, python):
    return printed_by(command_of(side, python), case, steps, **({"LOOP_KEEP_FREED_MEMORY": "1"} if side == KEPT else {}))


def check_that_the_work_is_the_same(case, printed):
    """`printed`: what each side printed after as many steps. The usual loop shuffles with another generator."""
    ours = printed[OURS]
    for side, theirs in printed.items():
        for name in () if side in (OURS, USUAL) else ("loss", "checksum"):
            is_far = ours[name] != theirs[name] if side in (KEPT, BY_HAND) else abs(ours[name] / theirs[name] - 1) > 1e-4
            if is_far:
                raise SystemExit(f"{case.name}: {name} of {side} is {theirs[name]!r}, of {OURS} {ours[name]!r}")


def seconds_of(case, python):
    """About, of one repetition."""
    pythons = sum(is_python(side) for side in case.sides)
    slower_start = 3.6  # of Python
    return case.seconds * (1 + len(case.sides) - pythons) + ((case.seconds + slower_start) * pythons if python else 0)


def run_case(bench, case, python):
    sides = [side for side in case.sides if python or not is_python(side)]
    few = {side: measure(side, case, 8, python) for side in sides}
    check_that_the_work_is_the_same(case, few)

    def measure_once(side):
        if bench.smoke:
            return {name: few[side][name] for name in QUANTITIES}
        printed = measure(side, case, case.python_steps if is_python(side) else case.steps, python)
        return {name: printed[name] for name in QUANTITIES}

    return bench.case(case.name, {side: lambda side=side: measure_once(side) for side in sides}, base=OURS,
                      unit="steps a second", group=case.group, higher_is_better=True)


def run_close_case(bench, case):
    """µs a step, lower is better: the base is the loop by hand, so that the ratio is what Trainer costs."""
    program = [os.path.join(HERE, "in_turn")]
    steps = 60 if bench.smoke else case.steps
    return bench.case_together(case.name, lambda: printed_by(program, case, steps), base=BY_HAND, unit="µs a step",
                               group=case.group, spread=CLOSE_SPREAD)


def main():
    parser = parser_of(__doc__, smoke="each side once with a few steps")
    parser.add_argument("--case", default="", help="only those with this in their name")
    options = parser.parse_args()
    bench = Benchmark("loop", "A whole training step", smoke=options.smoke, repetitions=options.repetitions)
    python = machine.environment_of(".venv-reference")
    if not python:
        bench.missing(f"{THEIRS} and the loop {PYTHON}", "tests/parity/reference/setup.sh makes .venv-reference")
    cases = [case for case in CASES if options.case in case.name]
    close_cases = [case for case in CLOSE_CASES if options.case in case.name]
    bench.expect(options.repetitions * (sum(seconds_of(case, python) for case in cases) + 3.5 * len(close_cases)))
    for case in close_cases:
        note_overhead(bench, case, run_close_case(bench, case))
    for case in cases:
        run_case(bench, case, python)
    bench.finish()


def note_overhead(bench, case, measured):
    times = measured["quantities"]["µs a step"]
    extra = sorted(ours - by_hand for ours, by_hand in zip(times[OURS]["values"], times[BY_HAND]["values"]))
    bench.note(f"{case.name}: a step of {OURS} takes {statistics.median(extra):+.2f} µs compared with one {BY_HAND} "
               f"({extra[0]:+.2f} … {extra[-1]:+.2f})")


main()
