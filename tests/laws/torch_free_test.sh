#!/usr/bin/env bash
# callbacks/ knows no LibTorch: its targets reach no torch header, and neither do its includes.
set -u
torch='(^|/)(torch|ATen|c10|caffe2)/'

# What Bazel brought here is every header of every target that //callbacks depends on.
brought=$(find -L "${TEST_SRCDIR:-.}" -name '*.h' -path '*callbacks*' | wc -l)
((brought > 0)) || { echo "FAILED: no header of callbacks/ was found"; exit 1; }
if [[ -n ${TEST_SRCDIR:-} ]] && find -L "$TEST_SRCDIR" -name '*.h' | grep -E "$torch"; then
  echo "FAILED: a target of callbacks/ depends on LibTorch"
  exit 1
fi

included=$(g++ -std=c++20 -I. -M -x c++ callbacks/callbacks.h) || exit 1
if grep -E "$torch" <<<"${included//\\/}"; then
  echo "FAILED: callbacks/callbacks.h includes torch headers"
  exit 1
fi
if grep -rnE '^ *# *include *[<"](torch|ATen|c10|caffe2)/' callbacks; then
  echo "FAILED: a file of callbacks/ includes torch headers"
  exit 1
fi
echo "$brought headers of callbacks/, $(wc -w <<<"$included") included files: no torch"
