// WandbCallback: reports a run to Weights & Biases.
//
//   downbeat::Callbacks(downbeat::WandbCallback(), MyCallback{});
//   downbeat::Callbacks(downbeat::WandbCallback({.project = "digits", .watch = "all"}));
//
// As HuggingFace's: names, rows, summary, configuration, artifacts of models (WANDB_LOG_MODEL), histograms
// (WANDB_WATCH), and the environment variables of the official client. There is no Python in this program: it writes an
// offline run, DIR/wandb/offline-run-..., and where there is a key and a program `wandb` on PATH, that program follows
// the directory and uploads it meanwhile. Whatever happens to network and service, the run is there, and
// `wandb sync DIRECTORY` uploads it. Training never waits for any of this and never ends because of it; only its last
// moment waits for the upload, at most finish_timeout_seconds. What is logged is in the file 200 ms later.
//
// A training that is resumed goes on with the run of its checkpoint, unless --report_to_new_run. The first process of
// a run writes (world_zero). For a server of one's own see integrations/mlflow, for no server integrations/tensorboard.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "callbacks/vocabulary/checkpoint.h"
#include "callbacks/vocabulary/logs.h"
#include "callbacks/vocabulary/model_description.h"
#include "callbacks/vocabulary/run_end.h"
#include "callbacks/vocabulary/runs_on.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"
#include "integrations/support/run_parameters.h"
#include "integrations/wandb/wandb_options.h"

namespace downbeat {

class WandbRun;

class WandbCallback {
 public:
  static constexpr std::string_view report_to_name = "wandb";
  static constexpr RunsOn runs_on = RunsOn::world_zero;

  explicit WandbCallback(WandbOptions options = {});
  ~WandbCallback();  // ends the run
  WandbCallback(WandbCallback&&) noexcept;
  WandbCallback& operator=(WandbCallback&&) noexcept;

  // Throws std::invalid_argument for what cannot be meant: a mode that does not exist, online without a key.
  void on_init_end(const TrainingArguments& args);
  void on_load_checkpoint(const TrainingArguments& args, const Checkpoint& checkpoint);
  void on_train_begin(auto& event) { set_up(event.args(), model_in(event)); }
  void on_gradients_ready(auto& event) { watch(event.state(), model_in(event)); }
  void on_log(auto& event) { log(event.args(), event.state(), event.logs(), model_in(event)); }
  void on_predict(auto& event) { predicted(event.args(), event.state(), event.metrics(), model_in(event)); }
  void on_save(const TrainerState& state, const Checkpoint& checkpoint);
  void on_train_end(const TrainingArguments& args, const TrainerState& state, const RunEnd& end);

 private:
  void set_up(const TrainingArguments& args, const ModelDescription* model);
  void watch(const TrainerState& state, const ModelDescription* model);
  void log(const TrainingArguments& args, const TrainerState& state, const Logs& logs, const ModelDescription* model);
  void predicted(const TrainingArguments& args, const TrainerState& state, const Metrics& metrics,
                 const ModelDescription* model);

  WandbOptions options_;
  std::string resumed_from_;  // directory of a checkpoint
  bool is_set_up_ = false;
  bool watches_ = false;
  std::unique_ptr<WandbRun> run_;  // null where W&B is disabled
};

}  // namespace downbeat
