#!/usr/bin/env bash
# Makes .venv-reference, the Python environment with the real transformers.Trainer that reference_test compares with.
# About 2 GB; a second call does nothing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "$here/../../../tools/python_environment.sh" .venv-reference "$here/requirements.txt" --torch
