# Sourced by the tests that compile: $compilers, each "program standard"; $work, a folder for what they make; fail.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fail() {
  echo "FAILED: $*"
  failed=1
}

compilers=("g++ c++20")
clang=$(command -v clang++ || command -v clang++-19)
if [[ -n $clang ]]; then
  compilers+=("$clang c++20" "$clang c++2c")
else
  echo "SKIPPED: clang++ not found"
fi

# Compiles the pipeline's headers once and sets $flags to use that: compile_pipeline PROGRAM STANDARD.
compile_pipeline() {
  local folder="$work/$(basename "$1")-$2"
  flags=(-std="$2" -fsyntax-only -I. -include "$folder/pipeline.h")
  mkdir "$folder"
  echo '#include "callbacks/pipeline/dynamic_callback_handler.h"' >"$folder/pipeline.h"
  local compiled="$folder/pipeline.h.gch"
  if [[ $1 == *clang* ]]; then
    flags+=(-ferror-limit=0)
    compiled="$folder/pipeline.h.pch"
  fi
  "$1" -std="$2" -I. -x c++-header "$folder/pipeline.h" -o "$compiled"
}
