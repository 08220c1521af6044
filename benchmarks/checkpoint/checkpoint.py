#!/usr/bin/env python3
"""Saving and loading a checkpoint of 50 million parameters with AdamW's state: Downbeat, a plain write with fsync of as
many bytes, transformers.Trainer, and safetensors with torch.save.

Each measurement is a process of its own; the sides are interleaved in random order; the table shows medians, the range
and the ratio of the plain write's time to theirs (the speed in units of a plain write). "again" is the same side under
another name: what is not further from 1 than that is noise. Loading finds the files in the page cache. Memory is the
peak on top of what the process had before, model and (in Downbeat and Trainer) optimizer included there.

    bazel run //benchmarks/checkpoint -- [--repetitions N] [--directory DIR]
"""
import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "one_checkpoint")
HERE = os.path.dirname(os.path.realpath(__file__))  # in the source tree


def reference_python():
    python = os.path.join(HERE, "../../.venv-reference/bin/python")
    if os.path.exists(python):
        return python
    print("without transformers.Trainer and safetensors: tests/parity/reference/setup.sh installs them")
    return None


def measured(command):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment).stdout
    return json.loads(out.splitlines()[-1])


def size_of(directory):
    return sum(os.path.getsize(os.path.join(root, name)) for root, _, names in os.walk(directory) for name in names)


def interleaved(sides, repetitions, clean):
    """For each side its measurements; `clean` comes after each of them."""
    results = {name: [] for name in sides}
    for _ in range(repetitions):
        for name in random.sample(list(sides), len(sides)):
            results[name].append(measured(sides[name]))
            clean()
    return results


def show(title, results, base):
    print(f"\n{title}\n{'':34}{'seconds':>9}{'range':>16}{'speed':>8}{'memory':>11}")
    median = lambda name: statistics.median(r["seconds"] for r in results[name])
    for name, runs in results.items():
        seconds = [r["seconds"] for r in runs]
        memory = max(r["memory"] for r in runs) / 2**20
        print(f"{name:34}{median(name):9.2f}{min(seconds):8.2f}..{max(seconds):5.2f}"
              f"{median(base) / median(name):8.2f}{memory:7.0f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--directory", help="on the disk to measure; unless given, one for temporary files")
    options = parser.parse_args()
    python = reference_python()
    python_side = [python, os.path.join(HERE, "one_checkpoint.py")]
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        path = lambda name: os.path.join(directory, name)
        measured([PROGRAM, "save", path("kept")])
        total = size_of(path("kept"))
        print(f"a checkpoint of {total / 1e6:.0f} MB, {options.repetitions} times each side, some minutes; in {directory}")
        save = {"plain write": [PROGRAM, "write", path("plain"), str(total)],
                "plain write, again": [PROGRAM, "write", path("plain"), str(total)],
                "Downbeat": [PROGRAM, "save", path("saved")],
                "Downbeat, again": [PROGRAM, "save", path("saved")]}
        load = {"Downbeat": [PROGRAM, "load", path("kept")], "Downbeat, again": [PROGRAM, "load", path("kept")]}
        if python:
            for name, words in {"transformers.Trainer (no fsync)": "trainer", "safetensors, torch.save": "files"}.items():
                save[name] = [*python_side, words, "save", path("saved")]
                measured([*python_side, words, "save", path("kept_by_" + words)])
                load[name.replace(" (no fsync)", "")] = [*python_side, words, "load", path("kept_by_" + words)]

        def clean():
            for name in ("plain", "saved"):
                shutil.rmtree(path(name), ignore_errors=True) if os.path.isdir(path(name)) else None
                os.unlink(path(name)) if os.path.isfile(path(name)) else None

        show("saving", interleaved(save, options.repetitions, clean), "plain write")
        show("loading", interleaved(load, options.repetitions, clean), "Downbeat")


if __name__ == "__main__":
    sys.exit(main())
