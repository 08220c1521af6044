#!/usr/bin/env bash
# Every name of DOWNBEAT_NEAR_MISSES is refused, with the right name in the sentence: one class has them all.
here=tests/compile_fail
source $here/compilers.sh

cat >"$work/list.cc" <<'END'
#include "callbacks/vocabulary/events.h"
#define PAIR(wrong, right) PAIR wrong right;
DOWNBEAT_NEAR_MISSES(PAIR)
END
g++ -std=c++20 -I. -E -P "$work/list.cc" | grep -oE 'PAIR \w+ \w+;' | tr -d ';' >"$work/list"
count=$(wc -l <"$work/list")
((count > 600)) || fail "only $count names were found in events.h"

sed -E 's/PAIR (\w+) (\w+)/downbeat: no event is called \1; did you mean \2?/' "$work/list" | sort >"$work/expected"

# A public function, a private one and, as nobody can look into it, a final class.
all() { sed -E "s/PAIR (\w+) .*/  $1 \1$2/" "$work/list"; }
write() { printf 'using namespace downbeat;\n%s\n%s\n};\nauto handler = Callbacks(Wrong{});\n' "$2" "$(all "$3" "$4")" >"$work/$1.cc"; }
write public 'struct Wrong {' void '() {}'
write private 'class Wrong {' int ' = 0;'
write final 'struct Wrong final {' void '() {}'

for compiler in "${compilers[@]}"; do
  read -r program standard <<<"$compiler"
  compile_pipeline "$program" "$standard"
  for kind in public private final; do
    "$program" "${flags[@]}" "$work/$kind.cc" 2>&1 | grep 'error:' |
      grep -oE 'downbeat: no event is called \w+; did you mean \w+\?' | sort >"$work/said"
    cmp -s "$work/expected" "$work/said" || fail "$compiler, $kind:" "$(diff "$work/expected" "$work/said" | head)"
  done
  echo "$compiler: $count names"
done
exit $failed
