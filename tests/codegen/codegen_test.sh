#!/usr/bin/env bash
# Each tuple_x of codegen.cc is instruction for instruction its hand_x, each nothing_x is one `ret`. Nothing in its object
# measures; in that of observed.cc something does.
set -u
here=tests/codegen
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# The instructions of a function, without addresses, comments and padding.
body() {
  awk -v name="<$1>:" '$2 == name { inside = 1; next } /^$/ { inside = 0 } inside' "$work/assembly" |
    sed -E "s/^ *[0-9a-f]+:\s*//; s/[0-9a-f]+ <$1(\+0x[0-9a-f]+)?>/<here\1>/; s/\s+#.*//; s/\s+$//" |
    grep -vE '^(nop|data16|cs nop|xchg +%ax,%ax|endbr64)'
}
check() {  # check FUNCTION EXPECTED-INSTRUCTIONS
  local got
  got=$(body "$1")
  if [[ -n $got && $got == "$2" ]]; then
    echo "$program: $1: $(wc -l <<<"$got") instructions"
  else
    echo "FAILED: $program: $1"
    diff <(echo "$2") <(echo "$got")
    failed=1
  fi
}

# The functions of a profile, and of a clock, that an object names.
measuring() {
  nm -C "$work/$1.o" | grep -E 'profile|Profile|clock|gettime'
}

clang=$(command -v clang++ || command -v clang++-19)
[[ -n $clang ]] || echo "SKIPPED: clang++ not found"

for program in g++ $clang; do
  "$program" -std=c++20 -O2 -I. -c $here/codegen.cc -o "$work/codegen.o" || exit 1
  "$program" -std=c++20 -O2 -I. -c $here/observed.cc -o "$work/observed.o" || exit 1
  if measuring codegen; then
    echo "FAILED: $program: codegen.cc measures"
    failed=1
  fi
  if ! measuring observed >/dev/null; then
    echo "FAILED: $program: observed.cc does not measure"
    failed=1
  fi
  objdump -d --no-show-raw-insn "$work/codegen.o" >"$work/assembly"
  for name in $(grep -oP '<\Knothing_\w+(?=>:)' "$work/assembly"); do check "$name" ret; done
  for name in $(grep -oP '<tuple_\K\w+(?=>:)' "$work/assembly"); do check "tuple_$name" "$(body "hand_$name")"; done
done
exit $failed
