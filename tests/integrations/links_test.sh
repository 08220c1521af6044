#!/usr/bin/env bash
# links_test.sh SOME_TRACKERS ALL_TRACKERS: a program is linked with what its own trackers need and with no more.
set -euo pipefail

# What the linker noted: libraries and names.
some=$(readelf --dynamic --wide "$1"; nm --demangle "$1")
all=$(readelf --dynamic --wide "$2"; nm --demangle "$2")

failed=0
for needed in '[libcurl' '[libsqlite3' downbeat::{Comet,CodeCarbon,MLflow,AzureML}Callback::; do
  if [[ $all != *"$needed"* ]]; then
    echo "FAILED: $2, which has all trackers, is linked without $needed"
    failed=1
  fi
  if [[ $some == *"$needed"* ]]; then
    echo "FAILED: $1, which has TensorBoard and W&B, is linked with $needed"
    failed=1
  fi
done
exit $failed
