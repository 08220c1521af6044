#!/usr/bin/env bash
# with_python.sh NAME SETUP SCRIPT ARGUMENTS...: in the environment NAME of the source tree, which SETUP makes.
set -euo pipefail
source_tree=$(dirname "$(realpath WORKSPACE)")
python=$source_tree/$1/bin/python
setup=$2
shift 2
if [[ ! -e $python ]]; then
  echo "SKIPPED: there is no Python environment for this test; $setup makes it"
  exit 0
fi
export HF_HUB_OFFLINE=1
exec "$python" "$@"
