// What W&B shows of the machine and of the process: at the beginning, and while it runs.
#pragma once

#include <absl/time/time.h>

#include <string>
#include <vector>

#include "integrations/wandb/record.h"

namespace downbeat {

WandbMachine machine_of_run();

// Use of CPU and memory, under the names of the official client.
class ProcessStats {
 public:
  WandbItems now();  // `cpu` from the second call on, over the time since the one before

 private:
  absl::Time last_ = absl::InfinitePast();
  double cpu_seconds_ = 0;
};

}  // namespace downbeat
