#include "callbacks/vocabulary/nearest_name.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

namespace downbeat {
namespace {

// Levenshtein's: how many letters to insert, delete or replace.
size_t distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row.back();
}

}  // namespace

std::string did_you_mean(const std::string& name, const std::vector<std::string>& right_names,
                         const std::string& prefix, const std::string& otherwise) {
  std::vector<std::string> near;
  size_t nearest = std::min<size_t>(3, 1 + name.size() / 4);
  for (const std::string& right : right_names) {
    const size_t letters = distance(name, right);
    if (letters < nearest || (letters == nearest && near.empty())) near = {prefix + right}, nearest = letters;
  }
  if (near.empty() && name.size() > 1) {
    for (const std::string& right : right_names) {
      const bool contains = absl::StrContains(absl::StrCat("_", right), absl::StrCat("_", name));
      if (contains && near.size() < 3) near.push_back(prefix + right);
    }
  }
  return near.empty() ? otherwise : absl::StrCat("; did you mean ", absl::StrJoin(near, " or "), "?");
}

}  // namespace downbeat
