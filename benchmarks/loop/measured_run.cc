#include "benchmarks/loop/measured_run.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string_view>

#include "absl/strings/numbers.h"

namespace benchmark_loop {
namespace {

int64_t number(const char* text, int64_t least) {
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value) || value < least) {
    throw std::invalid_argument(std::string(text) + " is not a number of at least " + std::to_string(least));
  }
  return value;
}

double peak_mebibytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != "VmHWM:") continue;
    double kibibytes = 0;
    status >> kibibytes;
    return kibibytes / 1024;
  }
  throw std::runtime_error("/proc/self/status has no VmHWM");
}

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

RunArguments parse(int argc, char** argv) {
  if (argc != 6) throw std::invalid_argument("usage: PROGRAM MODEL CALLBACKS ACCUMULATION STEPS WARM_UP");
  return {.model = argv[1],
          .callbacks = number(argv[2], 0),
          .accumulation = number(argv[3], 1),
          .steps = number(argv[4], 1),
          .warm_up = number(argv[5], 1)};
}

void Stopwatch::begin() {
  if (allocations) allocations_ = -allocations();
  begin_ = Clock::now();
}

void Stopwatch::end() {
  end_ = Clock::now();
  if (allocations) allocations_ += allocations();
}

void Stopwatch::print(double loss, double checksum) const {
  const char* started = std::getenv("LOOP_STARTED_NS");
  const std::chrono::nanoseconds start(started ? number(started, 0) : 0);
  std::printf(
      "{\"steps a second\": %.17g, \"seconds to first step\": %.6f, \"peak MiB\": %.1f, \"loss\": %.17g, "
      "\"checksum\": %.17g, \"allocations a step\": %.6g}\n",
      static_cast<double>(run_.steps) / seconds(end_ - begin_), seconds(first_.time_since_epoch() - start),
      peak_mebibytes(), loss, checksum, static_cast<double>(allocations_) / static_cast<double>(run_.steps));
}

}  // namespace benchmark_loop
