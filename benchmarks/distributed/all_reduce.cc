// One rank that does nothing but reduce: what the communication of a step costs.
//
//   all_reduce SECONDS BYTES...
//
// Rank 0 prints a line of JSON: for each number of bytes the median of the microseconds that a sum over all ranks took,
// of as many as fit into SECONDS. A process that is alone has nothing to reduce.
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "callbacks/vocabulary/throw_if_error.h"
#include "trainer/distributed/process_environment.h"
#include "trainer/distributed/process_group.h"
#include "trainer/run.h"
#include "trainer/seed.h"

namespace {

struct RunArguments {
  double seconds = 0;
  std::vector<int64_t> bytes;
};

RunArguments parse(int argc, char** argv) {
  RunArguments run;
  bool is_right = argc > 2 && absl::SimpleAtod(argv[1], &run.seconds) && run.seconds > 0;
  for (int i = 2; i < argc; ++i) is_right = absl::SimpleAtoi(argv[i], &run.bytes.emplace_back()) && is_right;
  if (!is_right) throw std::invalid_argument("usage: all_reduce SECONDS BYTES...");
  return run;
}

double microseconds_of_one(downbeat::ProcessGroup& group, const at::Tensor& numbers) {
  group.barrier("the next reduction");
  const auto begin = std::chrono::steady_clock::now();
  group.all_reduce(numbers, downbeat::Reduction::sum);
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
}

double median_of_some(downbeat::ProcessGroup& group, int64_t bytes, double seconds) {
  const at::Tensor numbers = at::zeros({bytes / static_cast<int64_t>(sizeof(float))});
  // The ranks must agree on how many: as many as the first ones show, by the slowest rank.
  std::vector<double> first;
  for (int i = 0; i < 5; ++i) first.push_back(microseconds_of_one(group, numbers));
  at::Tensor count = at::zeros({1}, at::kDouble).fill_(seconds * 1e6 / *std::max_element(first.begin(), first.end()));
  group.all_reduce(count, downbeat::Reduction::min);
  std::vector<double> all(static_cast<std::size_t>(std::clamp(count.item<double>(), 5.0, 2000.0)));
  for (double& one : all) one = microseconds_of_one(group, numbers);
  std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2), all.end());
  return all[all.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    const RunArguments run = parse(argc, argv);
    downbeat::set_num_threads(1);
    const auto environment = downbeat::read_process_environment();
    downbeat::throw_if_error(environment.status());
    downbeat::ProcessGroup group(*environment);
    std::vector<std::string> times;
    for (const int64_t bytes : run.bytes) {
      times.push_back(absl::StrCat("\"", bytes, "\": ", median_of_some(group, bytes, run.seconds)));
    }
    group.finish();
    if (group.rank() == 0) std::printf("{%s}\n", absl::StrJoin(times, ", ").c_str());
  });
}
