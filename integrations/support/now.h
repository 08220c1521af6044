// The present moment as trackers write it: since 1970, in the unit that their formats ask for.
#pragma once

#include <absl/time/clock.h>

#include <cstdint>

namespace downbeat {

inline int64_t now_us() { return absl::GetCurrentTimeNanos() / 1000; }
inline int64_t now_ms() { return now_us() / 1000; }
inline double now_seconds() { return static_cast<double>(now_us()) / 1e6; }

}  // namespace downbeat
