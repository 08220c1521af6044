#!/bin/sh
# embed.sh FILE...: prints C++ that defines each file's text as a constant of the file's name: cpu_power.csv as cpu_power.
set -eu

echo '#include "integrations/codecarbon/data/tables.h"'
echo 'namespace downbeat::codecarbon_data {'
for file; do
  name=$(basename "$file")
  printf 'constexpr std::string_view %s = R"embedded(' "${name%.*}"
  cat "$file"
  printf ')embedded";\n'
done
echo '}  // namespace downbeat::codecarbon_data'
