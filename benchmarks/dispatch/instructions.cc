#include "benchmarks/dispatch/instructions.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace downbeat::dispatch {
namespace {

int open_counter() {
  perf_event_attr what{};
  what.size = sizeof(what);
  what.type = PERF_TYPE_HARDWARE;
  what.config = PERF_COUNT_HW_INSTRUCTIONS;
  what.exclude_kernel = 1;
  what.exclude_hv = 1;
  constexpr int this_thread = 0;
  constexpr int any_core = -1;
  constexpr int no_group = -1;
  return static_cast<int>(syscall(SYS_perf_event_open, &what, this_thread, any_core, no_group, PERF_FLAG_FD_CLOEXEC));
}

int counter() {
  static const int opened = open_counter();
  return opened;
}

}  // namespace

bool are_instructions_counted() { return counter() >= 0; }

int64_t instructions() {
  int64_t count = 0;
  if (counter() < 0 || read(counter(), &count, sizeof(count)) != sizeof(count)) return 0;
  return count;
}

}  // namespace downbeat::dispatch
