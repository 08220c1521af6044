#!/usr/bin/env bash
# Builds and runs workspace/ as a user of Downbeat does: in a workspace of its own, with a Bazel server of its own.
set -euo pipefail

root=$(dirname "$(realpath WORKSPACE)")
HOME=$(getent passwd "$(id -u)" | cut -d: -f6) # Bazel clears it for tests, but Bazelisk keeps its downloads there
export HOME

cp -r "$root/tests/consumer/workspace" "$TEST_TMPDIR/workspace"
cd "$TEST_TMPDIR/workspace"
"$root/bazelw" --consumer .

bazel() { "$root/bazelw" --nohome_rc --output_user_root="$TEST_TMPDIR/bazel" "$@"; }
trap 'bazel clean --expunge' EXIT # ends the server, too
disk_cache=$(grep --only-matching -e '--disk_cache=.*' "$root/.bazelrc")
bazel run -c opt "$disk_cache" --override_repository=downbeat="$root" //:train | tee output.txt
grep -q "trained 3 steps" output.txt
