# For tests of programs, sourced: what they print and how they end. `exit "$failed"` comes last.
# shellcheck shell=bash
failed=0
# expect TEXT FILE: the file has the text.
expect() {
  grep --fixed-strings --quiet -e "$1" "$2" && return
  echo "FAILED: '$1' is not in the output:"
  cat "$2"
  failed=1
}
# code EXPECTED COMMAND...: runs it with both outputs into out.txt.
code() {
  local wanted=$1 got=0
  shift
  "$@" >out.txt 2>&1 || got=$?
  [[ $got == "$wanted" ]] && return
  echo "FAILED: exit code $got instead of $wanted: $*"
  cat out.txt
  failed=1
}
