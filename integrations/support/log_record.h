// LogRecord: one logged line on its way to a tracker, with the moment at which it was logged.
#pragma once

#include <cstdint>

#include "callbacks/vocabulary/logs.h"

namespace downbeat {

struct LogRecord {
  int64_t step = 0;            // global_step
  double epoch = 0;            // of TrainerState
  int64_t time_us = 0;         // microseconds since 1970; given once, so that sending again cannot change it
  bool is_prediction = false;  // heard by on_predict and not by on_log
  Logs logs;
};

}  // namespace downbeat
