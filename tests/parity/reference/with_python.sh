#!/usr/bin/env bash
# with_python.sh SCRIPT ARGUMENTS...: in the environment that setup.sh made in the source tree.
set -euo pipefail
python=$(dirname "$(realpath WORKSPACE)")/.venv-reference/bin/python
if [[ ! -e $python ]]; then
  echo "SKIPPED: there is no reference environment to compare with; tests/parity/reference/setup.sh makes it"
  exit 0
fi
export HF_HUB_OFFLINE=1
exec "$python" "$@"
