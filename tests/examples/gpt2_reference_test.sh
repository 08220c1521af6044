#!/usr/bin/env bash
# Finds the environment that tests/parity/reference/setup.sh made in the source tree.
set -euo pipefail
python=$(dirname "$(realpath WORKSPACE)")/.venv-reference/bin/python
if [[ ! -e $python ]]; then
  echo "SKIPPED: there is no transformers to compare with; tests/parity/reference/setup.sh installs it"
  exit 0
fi
export HF_HUB_OFFLINE=1
exec "$python" tests/examples/gpt2_reference_test.py tests/examples/gpt2_twin
