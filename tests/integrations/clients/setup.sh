#!/usr/bin/env bash
# Makes .venv-trackers, the Python environment with the real clients and servers of the trackers that the tests of
# integrations/ read with, and installs a browser. About 1.1 GB; a second call does nothing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
environment=$(cd "$here/../../.." && pwd)/.venv-trackers
finished=$environment/.finished

if cmp --silent "$here/requirements.txt" "$finished"; then exit 0; fi
echo "sets up $environment with the trackers' clients" >&2
python3 -m venv --clear "$environment"
"$environment/bin/python" -m pip --disable-pip-version-check --quiet install --requirement "$here/requirements.txt"
if ! type -P chromium >/dev/null && type -P apt-get >/dev/null; then # for the tests that look at the trackers' pages
  sudo=()
  ((EUID == 0)) || sudo=(sudo)
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends chromium >/dev/null ||
    echo "no browser could be installed: tests of the trackers' pages are skipped" >&2
fi
cp "$here/requirements.txt" "$finished"
