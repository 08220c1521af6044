// What a run is told by WandbOptions, the arguments and the environment, in this order.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <vector>

#include "callbacks/vocabulary/training_arguments.h"
#include "integrations/wandb/wandb_options.h"

namespace downbeat {

enum class WandbMode { disabled, offline, online };
enum class WandbResume { none, allow, must, never, automatic };
enum class WandbLogModel { none, end, checkpoint };

struct WandbSettings {
  WandbMode mode = WandbMode::online;
  bool is_without_key = false;  // offline because nobody asked for online and there is no key
  std::string project = {};
  std::string entity = {};
  std::string name = {};
  std::string notes = {};
  std::string group = {};
  std::string job_type = {};
  std::vector<std::string> tags = {};
  std::string run_id = {};     // empty: nobody asked for one
  std::string directory = {};  // DIR/wandb or DIR/.wandb
  WandbResume resume = WandbResume::none;
  WandbLogModel log_model = WandbLogModel::none;
  bool watches_gradients = false;
  bool watches_parameters = false;
  int64_t watch_steps = 0;
  bool watches() const { return watches_gradients || watches_parameters; }
  bool is_silent = false;
  absl::Duration finish_timeout = absl::Seconds(60);
  std::string artifact_name = {};          // empty: model-<run id>
  std::vector<std::string> warnings = {};  // what was set and means nothing
};

// Throws std::invalid_argument for what cannot be meant; one sentence names the variable.
WandbSettings resolve_settings(const WandbOptions& options, const TrainingArguments& args);

bool is_valid_run_id(const std::string& id);

}  // namespace downbeat
