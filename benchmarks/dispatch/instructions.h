// Instructions that this thread has completed in user space, from the processor's counter (Linux: perf_event_open).
// Virtual machines often have none, and containers forbid it: then are_instructions_counted() is false.
#pragma once

#include <cstdint>

namespace downbeat::dispatch {

bool are_instructions_counted();
int64_t instructions();  // so far; 0 where they are not counted

}  // namespace downbeat::dispatch
