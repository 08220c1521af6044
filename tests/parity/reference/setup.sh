#!/usr/bin/env bash
# Makes .venv-reference, the Python environment with the real transformers.Trainer that reference_test compares with.
# About 2 GB; a second call does nothing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
environment=$(cd "$here/../../.." && pwd)/.venv-reference
finished=$environment/.finished

if cmp --silent "$here/requirements.txt" "$finished"; then exit 0; fi
echo "sets up $environment with torch and transformers" >&2
python3 -m venv --clear "$environment"
pip=("$environment/bin/python" -m pip --disable-pip-version-check --quiet install)
"${pip[@]}" torch==2.13.0+cpu || "${pip[@]}" torch==2.13.0 # the CPU build where an index offers it
"${pip[@]}" --requirement "$here/requirements.txt"
cp "$here/requirements.txt" "$finished"
