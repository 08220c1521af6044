// PrinterCallback: prints each log as one plain line on standard output, {'loss': '0.4213', ..., 'epoch': '0.05'}.
//
//   Callbacks(PrinterCallback{});     // Trainer adds it by itself when disable_tqdm is set
//
// The first process of each machine prints (local_zero). There it removes total_flos from the logs, as HuggingFace's
// does: callbacks after it do not see it. For a bar use ProgressCallback, for a file that a program reads
// TraceCallback.
#pragma once

#include "callbacks/vocabulary/logs.h"
#include "callbacks/vocabulary/runs_on.h"

namespace downbeat {

class PrinterCallback {
 public:
  static constexpr RunsOn runs_on = RunsOn::local_zero;

  void on_log(Logs& logs);
};

}  // namespace downbeat
