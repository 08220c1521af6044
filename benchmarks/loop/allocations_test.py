#!/usr/bin/env python3
"""A step of Trainer asks for memory no more often than a step of the loop by hand: what is left is LibTorch's own.

usage: allocations_test.py TRAINER BY_HAND        both with count_allocations.cc"""
import json
import os
import subprocess
import sys

def allocations(program, model, callbacks, accumulation):
    words = [model, callbacks, accumulation, 20, 10]  # within the first pass over the data
    run = subprocess.run([program, *map(str, words)], check=True, stdout=subprocess.PIPE, text=True,
                         env={**os.environ, "OMP_NUM_THREADS": "1"})
    return json.loads(run.stdout.splitlines()[-1])["allocations a step"]


def main():
    failed = False
    for case in (("linear", 0, 1), ("linear", 16, 1), ("linear", 0, 8), ("digits", 0, 1), ("transformer", 0, 1)):
        trainer, by_hand = (allocations(program, *case) for program in sys.argv[1:])
        print(f"{case}: Trainer {trainer}, by hand {by_hand}")
        failed |= trainer > by_hand or by_hand == 0
    sys.exit(1 if failed else 0)


main()
