#!/usr/bin/env bash
# Finds the environment that setup.sh made in the source tree.
set -euo pipefail
python=$(dirname "$(realpath WORKSPACE)")/.venv-reference/bin/python
if [[ ! -e $python ]]; then
  echo "SKIPPED: there is no transformers.Trainer to compare with; tests/parity/reference/setup.sh installs it"
  exit 0
fi
exec "$python" tests/parity/reference/sequence_test.py tests/parity/sequence_twin
