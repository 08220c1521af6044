#!/usr/bin/env bash
# Makes .venv-trackers, the Python environment with the real clients and servers of the trackers that the tests of
# integrations/ read with, and installs a browser. About 1.1 GB; a second call does nothing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)

# Once: where none can be installed, a later call does not try again.
if ! [[ -e $root/.venv-trackers/.finished ]] && ! type -P chromium >/dev/null && type -P apt-get >/dev/null; then
  sudo=()
  ((EUID == 0)) || sudo=(sudo)
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends chromium >/dev/null ||
    echo "no browser could be installed: tests of the trackers' pages are skipped" >&2
fi
exec "$root/tools/python_environment.sh" .venv-trackers "$here/requirements.txt"
