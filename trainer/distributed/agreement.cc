#include "trainer/distributed/agreement.h"

#include <ATen/ops/full.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace downbeat {
namespace {

// "line 3 is "a" on rank 1 and "b" on rank 0".
std::string first_difference(const std::string& mine, int rank, const std::string& of_rank_0) {
  const std::vector<std::string> left = absl::StrSplit(mine, '\n');
  const std::vector<std::string> right = absl::StrSplit(of_rank_0, '\n');
  const auto differing = std::mismatch(left.begin(), left.end(), right.begin(), right.end());
  const auto quoted = [](const auto& lines, auto line) {
    return line == lines.end() ? "missing" : "\"" + *line + "\"";
  };
  return absl::StrCat("line ", differing.first - left.begin() + 1, " is ", quoted(left, differing.first), " on rank ",
                      rank, " and ", quoted(right, differing.second), " on rank 0");
}

}  // namespace

void check_same_on_all_ranks(ProcessGroup& group, const std::string& what, const std::string& text) {
  const std::string of_rank_0 = group.broadcast_text(text);
  const bool differs = text != of_rank_0;
  const at::Tensor first = at::full({1}, differs ? group.rank() : group.world_size(), at::kLong);
  group.all_reduce(first, Reduction::min);
  const auto rank = first.item<int>();
  if (rank == group.world_size()) return;
  const std::string difference =
      group.broadcast_text(rank == group.rank() ? first_difference(text, rank, of_rank_0) : "", rank);
  throw std::runtime_error(absl::StrCat(what, " must be the same on all ranks: ", difference));
}

std::string describe_tensors(const NamedParameters& tensors) {
  std::ostringstream text;
  for (const auto& [name, tensor] : tensors) {
    text << (text.tellp() > 0 ? "\n" : "") << name << " " << tensor.scalar_type() << tensor.sizes();
  }
  return text.str();
}

}  // namespace downbeat
