// MLflowReporter: the hooks that MLflowCallback and AzureMLCallback share, from the first event with something to
// report to the end. They differ in what a new run is. For users there are mlflow.h and azureml.h.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "callbacks/vocabulary/checkpoint.h"
#include "callbacks/vocabulary/logs.h"
#include "callbacks/vocabulary/model_description.h"
#include "callbacks/vocabulary/run_end.h"
#include "callbacks/vocabulary/runs_on.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"
#include "integrations/support/run_parameters.h"

namespace downbeat {

class MLflowRun;

class MLflowReporter {
 public:
  static constexpr RunsOn runs_on = RunsOn::world_zero;

  void on_load_checkpoint(const TrainingArguments& args, const Checkpoint& checkpoint);
  void on_train_begin(auto& event) { begin(event.args(), model_in(event)); }
  void on_log(auto& event) { log(event.args(), event.state(), event.logs(), model_in(event)); }
  void on_save(const Checkpoint& checkpoint);
  void on_train_end(const RunEnd& end);

 protected:
  // `resumed_from`: a checkpoint's directory, or empty. Null: nothing is reported.
  using NewRun = std::function<std::unique_ptr<MLflowRun>(const TrainingArguments& args, const ModelDescription* model,
                                                          const std::string& resumed_from)>;
  explicit MLflowReporter(NewRun new_run);
  ~MLflowReporter();  // sends what is left, for a while
  MLflowReporter(MLflowReporter&&) noexcept;
  MLflowReporter& operator=(MLflowReporter&&) noexcept;

 private:
  void begin(const TrainingArguments& args, const ModelDescription* model);
  void log(const TrainingArguments& args, const TrainerState& state, const Logs& logs, const ModelDescription* model);

  NewRun new_run_;
  std::string resumed_from_;
  std::unique_ptr<MLflowRun> run_;  // from the first event that has something to report
};

}  // namespace downbeat
