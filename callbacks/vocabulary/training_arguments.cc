#include "callbacks/vocabulary/training_arguments.h"

#include <cmath>
#include <limits>

namespace downbeat {
namespace {

int64_t whole_steps(double steps) {
  constexpr double kMost = 9e18;  // what is not finite must not be converted
  return steps >= -kMost && steps <= kMost ? static_cast<int64_t>(steps) : std::numeric_limits<int64_t>::max();
}

}  // namespace

int64_t absolute_interval(double steps, int64_t max_steps) {
  return whole_steps(steps < 1 ? std::ceil(static_cast<double>(max_steps) * steps) : steps);
}

int64_t warmup_steps(const TrainingArguments& args, int64_t max_steps) {
  return absolute_interval(args.warmup_steps, max_steps);
}

}  // namespace downbeat
