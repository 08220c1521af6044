#!/usr/bin/env bash
# Each case of cases.cc is refused with its sentence as the first error, and accepted without its mistake.
here=tests/compile_fail
source $here/compilers.sh

# One file a case: what stands before the first CASE, and the case.
mapfile -t sentences < <(sed -n 's,^// CASE ,,p' $here/cases.cc)
awk -v out="$work/case" '
  /^\/\/ CASE / { ++n; printf "%s", top > (out n ".cc") }
  n { print > (out n ".cc") }
  !n { top = top $0 "\n" }
' $here/cases.cc

for compiler in "${compilers[@]}"; do
  read -r program standard <<<"$compiler"
  compile_pipeline "$program" "$standard"
  "$program" "${flags[@]}" -Wall -Wextra -Werror $here/cases.cc || fail "$compiler refuses correct callbacks"
  checked=0
  for i in "${!sentences[@]}"; do
    unit="$work/case$((i + 1)).cc"
    want="downbeat: ${sentences[i]}"
    if [[ $standard == c++2c ]]; then
      more=$(sed -n 's,^// C++26 , ,p' "$unit")
      [[ -n $more ]] || continue  # the literals are the same as in C++20
      want+=$more
    fi
    ((++checked))
    first=$("$program" "${flags[@]}" -DDOWNBEAT_REJECT "$unit" 2>&1 | grep -m1 'error:')
    [[ $first == *"$want"* ]] || fail "$compiler"$'\n'"  expected: $want"$'\n'"  first error: $first"
  done
  echo "$compiler: ${checked} of ${#sentences[@]} misuses"
done
exit $failed
