// Division rounded up: batches in an epoch, steps in a run.
#pragma once

#include <cstdint>

namespace downbeat {

constexpr int64_t divided_up(int64_t a, int64_t b) { return a / b + (a % b > 0); }

}  // namespace downbeat
