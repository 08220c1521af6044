// What can be chosen about reporting to MLflow; see mlflow.h.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace downbeat {

// What is not set is taken from the environment.
struct MLflowOptions {
  // http://host:5000, sqlite:///path or a directory. Empty: MLFLOW_TRACKING_URI, else the file mlflow.db here, which
  // `mlflow ui` shows.
  std::string tracking_uri = {};
  std::string experiment_name = {};  // MLFLOW_EXPERIMENT_NAME, else MLFLOW_EXPERIMENT_ID's, else Default
  std::string run_id = {};           // go on with this run: MLFLOW_RUN_ID, else the one of the checkpoint
  std::string parent_run_id = {};    // MLFLOW_PARENT_RUN_ID where MLFLOW_NESTED_RUN is true
  std::vector<std::pair<std::string, std::string>> tags = {};  // beside those of MLFLOW_TAGS
  std::optional<bool> log_artifacts = {};                      // checkpoints as artifacts: HF_MLFLOW_LOG_ARTIFACTS
  std::optional<bool> flatten_params = {};                     // nested params as a.b: MLFLOW_FLATTEN_PARAMS

  double request_timeout_seconds = 0;  // 0: MLFLOW_HTTP_REQUEST_TIMEOUT, else 30
  double finish_timeout_seconds = 60;  // how long the end of the program may wait for the server
};

}  // namespace downbeat
