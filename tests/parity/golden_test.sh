#!/usr/bin/env bash
# Finds what golden_test.py needs among the files of the test: golden_test.sh PATHS_SH.
set -euo pipefail
source "$1"
cd tests/parity
exec python3 golden_test.py ./digits_twin golden "$LIBTORCH_INCLUDE"
