#!/usr/bin/env python3
"""Runs the real transformers.Trainer and digits_twin side by side on this machine and compares them bit for bit.

golden_test can compare bits only where the processor is that of golden/; this test can everywhere. It takes the golden
configurations and as many random ones (fuzz.py).

usage, with the Python of an environment that has requirements.txt:
    reference_test.py DIGITS_TWIN [--random N] [--seed S] [NAME ...]
"""
import argparse
import glob
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import fuzz
import golden_test


def golden_configs(names):
    configs = []
    for path in sorted(glob.glob(fuzz.GOLDEN + "/*.json")):
        with open(path, encoding="utf-8") as f:
            config = json.load(f)
        if config["name"] not in golden_test.waiting() and (not names or config["name"] in names):
            configs.append(config)
    return configs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("twin")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--random", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    configs = golden_configs(options.names) + fuzz.random_configs(options.random, options.seed)
    return fuzz.report(configs, *fuzz.differences(configs, os.path.abspath(options.twin)))


if __name__ == "__main__":
    sys.exit(main())
