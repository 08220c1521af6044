// What can be chosen about reporting to AzureML; see azureml.h.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace downbeat {

// What is not set is taken from the environment.
struct AzureMLOptions {
  // azureml://HOST/mlflow/v1.0/subscriptions/... Empty: MLFLOW_TRACKING_URI, else AZUREML_SERVICE_ENDPOINT with the
  // variables AZUREML_ARM_*.
  std::string tracking_uri = {};
  std::string experiment_name = {};  // MLFLOW_EXPERIMENT_NAME, else MLFLOW_EXPERIMENT_ID's, else Default
  std::string run_id = {};           // go on with this run: MLFLOW_RUN_ID, AZUREML_RUN_ID, else the checkpoint's
  std::vector<std::pair<std::string, std::string>> tags = {};  // beside those of MLFLOW_TAGS
  std::optional<bool> log_artifacts = {};                      // copy checkpoints to ./outputs: HF_MLFLOW_LOG_ARTIFACTS
  std::optional<bool> flatten_params = {};                     // nested params as a.b: MLFLOW_FLATTEN_PARAMS

  double request_timeout_seconds = 0;  // 0: MLFLOW_HTTP_REQUEST_TIMEOUT, else 30
  double finish_timeout_seconds = 60;  // how long the end of the program may wait for the workspace
  double az_timeout_seconds = 20;      // how long `az` may take for a fresh token, also at the end of the program
};

}  // namespace downbeat
