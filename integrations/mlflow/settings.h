// What MLflowOptions and the environment say about an MLflow run, and where it goes.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "integrations/mlflow/entry.h"
#include "integrations/mlflow/mlflow_options.h"
#include "integrations/mlflow/rest.h"
#include "integrations/support/http_client.h"

namespace downbeat {

struct MLflowSettings {
  std::string tracking_uri = {};  // as it was given
  std::string experiment_name = {};
  std::string experiment_id = {};  // where no name is given
  std::string run_id = {};
  MLflowTexts tags = {};
  bool log_artifacts = false;
  bool flatten_params = false;
  std::optional<int64_t> max_params = {};
  absl::Duration finish_timeout = absl::Seconds(60);
};

// All throw std::invalid_argument, with one sentence, for what cannot be meant.
MLflowSettings mlflow_settings(const MLflowOptions& options);
HttpClientOptions mlflow_http_options(const MLflowOptions& options);
std::string checked_mlflow_run_id(const std::string& variable, const std::string& id);  // gives the id back

// Of MLFLOW_TRACKING_USERNAME and _PASSWORD, ~/.mlflow/credentials, or MLFLOW_TRACKING_TOKEN.
std::unique_ptr<MLflowCredentials> mlflow_credentials();
std::string mlflow_user();  // the user of the credentials, else of the machine

// Where a tracking URI leads.
struct MLflowAddress {
  enum class Kind { server, database, unknown };
  Kind kind = Kind::unknown;
  std::string place = {};    // the server's URI without a slash at its end, the file's absolute path
  std::string uri = {};      // as spools note it: without user info
  std::string warning = {};  // that somebody should read; empty: none
};
MLflowAddress mlflow_address(const std::string& tracking_uri);

}  // namespace downbeat
