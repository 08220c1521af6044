// What becomes of a recording: a trace in a file, and a table for people.
//
// The trace is in the Trace Event Format (its JSON object form with traceEvents), which Perfetto and chrome://tracing
// open: docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU. Times are microseconds with three
// decimals since the recording began. Row 1 has the steps and within them the phases, row 2 the events that somebody
// heard and within them the hooks. A slice is a pair of "B" and "E" and not one "X" with a duration: Perfetto makes
// nanoseconds of each number by cutting off, and drops the "X" that thereby reaches a nanosecond into its neighbour
// (src/trace_processor/util/json_utils.cc, slice_drop_overlapping_complete_event), while numbers that are equal stay
// so.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include "callbacks/profiler/recording.h"

namespace downbeat::profiler {

struct RunFacts {
  std::string how = {};     // "completed"; empty where on_train_end does not say
  std::string reason = {};  // of a run that was stopped or failed
  int64_t first_step = 1;   // of the recording, as global_step counts
  bool is_part = false;     // of the run
  int64_t max_events = 0;
  std::string path = {};  // of the trace, for the table; empty where there is none
};

// False where it cannot be written; errno says why.
bool write_chrome_trace(const Recording& recording, const RunFacts& run, std::FILE* file);

std::string table_of(const Recording& recording, const RunFacts& run);

}  // namespace downbeat::profiler
