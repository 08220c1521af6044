// MLflowCallback: reports a run to an MLflow server, or without one into the file mlflow.db that `mlflow ui` shows.
//
//   downbeat::Callbacks(downbeat::MLflowCallback(), MyCallback{});
//   downbeat::Callbacks(downbeat::MLflowCallback({.experiment_name = "digits", .log_artifacts = true}));
//
//   MLFLOW_TRACKING_URI=http://host:5000 MLFLOW_EXPERIMENT_NAME=digits ./train --report_to=mlflow
//
// As HuggingFace's: the environment variables (MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME, MLFLOW_RUN_ID, MLFLOW_TAGS,
// MLFLOW_NESTED_RUN, MLFLOW_FLATTEN_PARAMS, MLFLOW_MAX_LOG_PARAMS, HF_MLFLOW_LOG_ARTIFACTS,
// DISABLE_MLFLOW_INTEGRATION), the names (loss, eval_loss), the arguments and the model's configuration as params; and
// those of MLflow's client for credentials and certificates. Unlike there: long params are cut, not dropped, and a
// checkpoint is an artifact as it is. A training that is resumed goes on in the run of its checkpoint, unless
// --report_to_new_run. The first process of a run reports (world_zero).
//
// Training never waits for the server and never ends because of it. What is logged goes into a spool below
// OUTPUT_DIR/mlflow first, and stays there until it is taken: a later start with the same output_dir sends it, or
// `downbeat-mlflow-replay SPOOL`. A server that keeps its runs in a database stores everything once, also where its
// answers are lost.
//
// In a job of AzureML use integrations/azureml.
#pragma once

#include <string_view>

#include "callbacks/vocabulary/training_arguments.h"
#include "integrations/mlflow/mlflow_options.h"
#include "integrations/mlflow/mlflow_reporter.h"

namespace downbeat {

class MLflowCallback : public MLflowReporter {
 public:
  static constexpr std::string_view report_to_name = "mlflow";

  explicit MLflowCallback(MLflowOptions options = {});

  // Throws std::invalid_argument for options and variables that cannot be meant.
  void on_init_end(const TrainingArguments& args);

 private:
  MLflowOptions options_;
};

}  // namespace downbeat
