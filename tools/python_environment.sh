#!/usr/bin/env bash
# python_environment.sh NAME REQUIREMENTS [--torch]
# Makes the Python environment NAME in the workspace's root with what the file REQUIREMENTS lists, --torch: and PyTorch
# for the CPU. A second call does nothing, unless the list has changed.
set -euo pipefail
environment=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/$1
requirements=$2
finished=$environment/.finished

if cmp --silent "$requirements" "$finished"; then exit 0; fi
echo "sets up $environment" >&2
python3 -m venv --clear "$environment"
pip=("$environment/bin/python" -m pip --disable-pip-version-check --quiet install)
if [[ ${3-} == --torch ]]; then
  "${pip[@]}" torch==2.13.0+cpu || "${pip[@]}" torch==2.13.0 # the CPU build where an index offers it
fi
"${pip[@]}" --requirement "$requirements"
cp "$requirements" "$finished"
