#!/usr/bin/env bash
# with_python.sh SETUP SCRIPT ARGUMENTS...: in the environment that SETUP made in the source tree.
set -euo pipefail
setup=$1
shift
source_tree=$(dirname "$(realpath WORKSPACE)")
python=$source_tree/$(sed -n 's/^environment=.*\/\(\.venv-[a-z]*\)$/\1/p' "$setup")/bin/python
if [[ ! -e $python ]]; then
  echo "SKIPPED: there is no Python environment for this test; $setup makes it"
  exit 0
fi
export HF_HUB_OFFLINE=1
exec "$python" "$@"
