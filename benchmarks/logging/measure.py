#!/usr/bin/env python3
"""bazelw run -c opt //benchmarks/logging: what logging ten numbers costs the thread that trains, each tracker and all
together, beside the official clients where .venv-trackers has them (tests/integrations/clients/setup.sh). The sides
take turns in random order; the table shows the median of the repetitions, with their smallest and largest."""
import argparse
import os
import random
import statistics
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.environ.get("BUILD_WORKSPACE_DIRECTORY", os.getcwd())


def sides():
    """{name: command without OUTPUT_DIR and LINES}"""
    program = os.path.join(HERE, "one_tracker")
    found = {f"Downbeat, {trackers}": [program, trackers] for trackers in ("none", "tensorboard", "comet_ml", "all")}
    python = os.path.join(ROOT, ".venv-trackers", "bin", "python")
    if os.path.exists(python):
        found["SummaryWriter.add_scalar and flush"] = [python, os.path.join(SOURCE, "one_client.py"), "tensorboard"]
    else:
        print("no .venv-trackers, hence without the official clients; tests/integrations/clients/setup.sh makes it")
    return found


def environment():
    """torch.utils.tensorboard needs torch, which lies in the environment of LibTorch."""
    lib = os.path.join(ROOT, ".venv", "lib")
    torch = [os.path.join(lib, version, "site-packages") for version in os.listdir(lib)] if os.path.isdir(lib) else []
    return {**os.environ, "PYTHONPATH": os.pathsep.join(torch)}


def run(command, lines):
    with tempfile.TemporaryDirectory() as directory:
        result = subprocess.run([*command, directory, str(lines)], cwd=directory, env=environment(),
                                capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{command[0]}: {result.stderr.strip().splitlines()[-1]}")
    median, percentile, close = map(float, result.stdout.split())
    return median / 1000, percentile / 1000, close


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--lines", type=int, default=5000, help="lines logged in one repetition, 100 µs apart")
    options = parser.parse_args()
    commands = sides()
    print(f"{len(commands)} sides, {options.repetitions} repetitions of {options.lines} lines: "
          f"about {len(commands) * options.repetitions * (options.lines * 1.5e-4 + 1):.0f} s")
    measured = {name: [] for name in commands}
    for _ in range(options.repetitions):
        for name in random.sample(list(commands), len(commands)):
            measured[name].append(run(commands[name], options.lines))
    print(f"{'ten numbers, µs':36} {'median':>24} {'99th percentile':>26} {'drain at the end, s':>22}")
    for name, rows in measured.items():
        cells = [f"{statistics.median(values):.2f} ({min(values):.2f}..{max(values):.2f})" for values in zip(*rows)]
        print(f"{name:36} {cells[0]:>24} {cells[1]:>26} {cells[2]:>22}")


main()
