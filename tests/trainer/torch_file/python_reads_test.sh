#!/usr/bin/env bash
# Finds the environment that tests/parity/reference/setup.sh made in the source tree.
set -euo pipefail
python=$(dirname "$(realpath WORKSPACE)")/.venv-reference/bin/python
if [[ ! -e $python ]]; then
  echo "SKIPPED: there is no torch of Python to read with; tests/parity/reference/setup.sh installs it"
  exit 0
fi
exec "$python" tests/trainer/torch_file/python_reads_test.py tests/trainer/torch_file/write_files
