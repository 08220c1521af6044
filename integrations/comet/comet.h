// CometCallback: reports a run to Comet, or keeps it in an archive that `comet upload` sends later. As HuggingFace's.
//
//   auto callbacks = Callbacks(CometCallback());                                     // everything from the environment
//   auto callbacks = Callbacks(CometCallback({.project_name = "digits", .log_assets = true}));
//
// With COMET_API_KEY the numbers go to the service while the run goes on, one documented request a number, at most
// about ten a second. Without it, or with COMET_START_ONLINE=0, the run is kept in COMET_OFFLINE_DIRECTORY
// (./.cometml-runs): as a directory named after the experiment while it goes on, as a zip archive at its end. Online
// the same directory is the truth: what the service has not taken when the run ends (it was down, the key is wrong, ten
// a second were too few) is in the archive, and one line names the command that sends it. The archive holds the whole
// run, so that points which had arrived may arrive twice: the service takes a point at least once, never less. What a
// killed program left is zipped by the next one that reports to the same directory.
//
// Names, parameters and steps are HuggingFace's (train/loss, eval/loss, args|learning_rate, config|hidden). NaN and
// infinities are the words "NaN", "Infinity", "-Infinity", as JSON has none. The first process of a run reports
// (world_zero). To see curves without a service use
// integrations/tensorboard.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "callbacks/vocabulary/checkpoint.h"
#include "callbacks/vocabulary/logs.h"
#include "callbacks/vocabulary/model_description.h"
#include "callbacks/vocabulary/runs_on.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"
#include "integrations/comet/comet_options.h"
#include "integrations/support/run_parameters.h"

namespace downbeat {

class CometCallback {
 public:
  static constexpr std::string_view report_to_name = "comet_ml";
  static constexpr RunsOn runs_on = RunsOn::world_zero;

  explicit CometCallback(CometOptions options = {});
  ~CometCallback();  // the run is complete: sends what is left, zips
  CometCallback(CometCallback&&) noexcept;
  CometCallback& operator=(CometCallback&&) noexcept;

  // Throws std::invalid_argument when the settings contradict each other.
  void on_init_end();

  void on_load_checkpoint(const TrainingArguments& args, const Checkpoint& checkpoint);
  void on_train_begin(auto& event) { begin(event.args(), model_in(event)); }
  void on_log(auto& event) { log(event.args(), event.state(), event.logs(), model_in(event)); }
  void on_predict(auto& event) { predicted(event.args(), event.state(), event.metrics(), model_in(event)); }
  void on_save(const Checkpoint& checkpoint);
  void on_train_end(const TrainingArguments& args, const TrainerState& state);

 private:
  class Run;

  void begin(const TrainingArguments& args, const ModelDescription* model);
  void log(const TrainingArguments& args, const TrainerState& state, const Logs& logs, const ModelDescription* model);
  void predicted(const TrainingArguments& args, const TrainerState& state, const Metrics& metrics,
                 const ModelDescription* model);

  CometOptions options_;
  std::string resumed_key_;  // a checkpoint's
  bool is_disabled_ = false;
  std::unique_ptr<Run> run_;
};

}  // namespace downbeat
