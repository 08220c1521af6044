#!/usr/bin/env bash
# Each case of cases.cc is refused with its sentence as the first error, and accepted without its mistake.
#   sentences_test.sh PATHS_SH
set -u
source "$1" # LIBTORCH_INCLUDE
here=tests/compile_fail_trainer
work=$(mktemp -d "${TEST_TMPDIR:-/tmp}/sentences.XXXXXX")
trap 'rm -rf "$work"' EXIT
compiler=${CXX:-g++}
failed=0
fail() {
  echo "FAILED: $*"
  failed=1
}

# One file a case: what stands before the first CASE, and the case.
mapfile -t sentences < <(awk '
  /^\/\/ CASE / { sentence = substr($0, 9); next }
  sentence && /^\/\/      / { sentence = sentence " " substr($0, 9); next }
  sentence { print sentence; sentence = "" }
' $here/cases.cc)
awk -v out="$work/case" '
  /^\/\/ CASE / { ++n; printf "%s", top > (out n ".cc") }
  n { print > (out n ".cc") }
  !n { top = top $0 "\n" }
' $here/cases.cc

# LibTorch's headers cost ten seconds, so they are compiled once.
flags=(-std=c++20 -I. -isystem "$LIBTORCH_INCLUDE" -isystem "$LIBTORCH_INCLUDE/torch/csrc/api/include")
printf '#include <torch/nn/module.h>\n#include "trainer/trainer.h"\n' >"$work/all.h"
compiled=gch
[[ $("$compiler" --version) == *clang* ]] && compiled=pch
"$compiler" "${flags[@]}" -x c++-header "$work/all.h" -o "$work/all.h.$compiled" || exit 1
flags+=(-fsyntax-only -include "$work/all.h")

"$compiler" "${flags[@]}" -Wall -Wextra -Werror $here/cases.cc || fail "correct programs are refused"
for i in "${!sentences[@]}"; do
  first=$("$compiler" "${flags[@]}" -DDOWNBEAT_REJECT -Wfatal-errors "$work/case$((i + 1)).cc" 2>&1 | grep -m1 'error:')
  [[ $first == *"downbeat: ${sentences[i]}"* ]] || fail $'\n'"  expected: ${sentences[i]}"$'\n'"  first error: $first"
done
echo "${#sentences[@]} misuses"
exit $failed
