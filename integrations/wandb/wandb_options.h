// WandbOptions: see wandb.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace downbeat {

// What is left empty comes from the variable that is named.
struct WandbOptions {
  std::string project = {};            // WANDB_PROJECT, else huggingface
  std::string entity = {};             // WANDB_ENTITY, else the account's default
  std::string name = {};               // --run_name, else WANDB_NAME, else the service chooses one
  std::string notes = {};              // WANDB_NOTES
  std::vector<std::string> tags = {};  // WANDB_TAGS, separated by commas
  std::string group = {};              // WANDB_RUN_GROUP
  std::string job_type = {};           // WANDB_JOB_TYPE
  std::string run_id = {};             // WANDB_RUN_ID, else that of the checkpoint, else a random one
  std::string dir = {};                // WANDB_DIR, else the current directory
  std::string mode = {};               // WANDB_MODE: online, offline or disabled
  std::string log_model = {};          // WANDB_LOG_MODEL: false, end or checkpoint
  std::string watch = {};              // WANDB_WATCH: false, gradients, parameters or all

  // Every so many steps with `watch`; 0: every logging_steps, but at most every hundredth, as HuggingFace. The thread
  // that trains copies parameters and gradients to the CPU for it and waits meanwhile.
  int64_t watch_steps = 0;

  double finish_timeout_seconds = 60;  // how long the end of the program may wait for the upload
};

}  // namespace downbeat
