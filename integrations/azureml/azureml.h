// AzureMLCallback: reports a run to the workspace of the AzureML job in which it trains, or from outside to a
// workspace.
//
//   downbeat::Callbacks(downbeat::AzureMLCallback(), MyCallback{});
//   downbeat::Callbacks(downbeat::AzureMLCallback({.experiment_name = "digits", .log_artifacts = true}));
//
//   ./train --report_to=azure_ml                        # in a job: its environment says everything
//   MLFLOW_TRACKING_URI=azureml://HOST/mlflow/v1.0/subscriptions/... ./train --report_to=azure_ml      # after az login
//
// It is MLflow's REST interface with a bearer token. MLFLOW_TRACKING_URI, or AZUREML_SERVICE_ENDPOINT with
// AZUREML_ARM_SUBSCRIPTION, AZUREML_ARM_RESOURCEGROUP and AZUREML_ARM_WORKSPACE_NAME say where the workspace is;
// without them one warning is written and nothing reported. MLFLOW_TRACKING_TOKEN, else AZUREML_RUN_TOKEN, is the
// token, renewed as integrations/azureml/token.h tells. The run of MLFLOW_RUN_ID, else AZUREML_RUN_ID, belongs to the
// platform, which alone sets its status; without one a run is made in MLFLOW_EXPERIMENT_NAME and ended with the
// training.
//
// As HuggingFace's: the names (loss, eval_loss). Unlike there: values have their steps, and the arguments and the
// model's configuration are params. Checkpoints are copied to ./outputs where HF_MLFLOW_LOG_ARTIFACTS asks for that: a
// job uploads this directory by itself. A training that is resumed goes on in the run of its checkpoint, unless the
// environment names one or --report_to_new_run. MLFLOW_TAGS, MLFLOW_FLATTEN_PARAMS, MLFLOW_MAX_LOG_PARAMS and MLflow's
// variables for certificates count here too. The first process of a run reports (world_zero).
//
// Training never waits for the workspace and never ends because of it. What is logged goes into a spool below
// OUTPUT_DIR/azure_ml first, and stays there until it is taken: a later start with the same output_dir sends it, or
// `downbeat-mlflow-replay SPOOL`.
//
// For an MLflow server of one's own use integrations/mlflow.
#pragma once

#include <string_view>

#include "callbacks/vocabulary/training_arguments.h"
#include "integrations/azureml/azureml_options.h"
#include "integrations/mlflow/mlflow_reporter.h"

namespace downbeat {

class AzureMLCallback : public MLflowReporter {
 public:
  static constexpr std::string_view report_to_name = "azure_ml";

  explicit AzureMLCallback(AzureMLOptions options = {});

  // Throws std::invalid_argument for options and variables that cannot be meant.
  void on_init_end(const TrainingArguments& args);

 private:
  AzureMLOptions options_;
};

}  // namespace downbeat
