#!/usr/bin/env bash
# Makes .venv-peers, the Python environment with the trainers that benchmarks compare with besides HuggingFace's, which is
# in .venv-reference (tests/parity/reference/setup.sh). About 1.1 GB; a second call does nothing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
environment=$(cd "$here/../.." && pwd)/.venv-peers
finished=$environment/.finished

if cmp --silent "$here/requirements.txt" "$finished"; then exit 0; fi
echo "sets up $environment with torch and the peers" >&2
python3 -m venv --clear "$environment"
pip=("$environment/bin/python" -m pip --disable-pip-version-check --quiet install)
"${pip[@]}" torch==2.13.0+cpu || "${pip[@]}" torch==2.13.0 # the CPU build where an index offers it
"${pip[@]}" --requirement "$here/requirements.txt"
cp "$here/requirements.txt" "$finished"
