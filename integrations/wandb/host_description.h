// What W&B shows of the machine and of the process: at the beginning, and while it runs.
#pragma once

#include <absl/time/time.h>

#include <string>
#include <vector>

#include "integrations/wandb/record.h"

namespace downbeat {

WandbMachine machine_of_run();

// Values of arguments that are called ..._token, ...key, ...password or ...secret are written as <NAME>.
std::vector<std::string> without_secrets(std::vector<std::string> arguments);

// Use of CPU and memory, under the names of the official client.
class ProcessStats {
 public:
  WandbItems now();  // `cpu` from the second call on, over the time since the one before

 private:
  absl::Time last_ = absl::InfinitePast();
  double cpu_seconds_ = 0;
};

}  // namespace downbeat
