#!/usr/bin/env bash
# Makes .venv-peers, the Python environment with the trainers that benchmarks compare with besides HuggingFace's, which is
# in .venv-reference (tests/parity/reference/setup.sh). About 1.1 GB; a second call does nothing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "$here/../../tools/python_environment.sh" .venv-peers "$here/requirements.txt" --torch
