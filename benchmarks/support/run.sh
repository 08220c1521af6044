#!/bin/sh
# run.sh SCRIPT ARGUMENTS...: a benchmark's script with benchmarks.support at hand.
PYTHONPATH=$PWD PYTHONDONTWRITEBYTECODE=1 exec python3 "$@"
