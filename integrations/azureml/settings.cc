#include "integrations/azureml/settings.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "integrations/azureml/token.h"
#include "integrations/mlflow/mlflow_options.h"
#include "integrations/mlflow/rest.h"
#include "integrations/support/environment.h"

namespace downbeat {
namespace {

// MLFLOW_RUN_ID is taken by MLflow's own settings.
std::string run_of_job() {
  if (environment_variable("MLFLOW_RUN_ID")) return "";
  return checked_mlflow_run_id("AZUREML_RUN_ID", environment_variable("AZUREML_RUN_ID", ""));
}

MLflowOptions mlflow_options(const AzureMLOptions& options) {
  return {.tracking_uri = options.tracking_uri,
          .experiment_name = options.experiment_name,
          .run_id = options.run_id.empty() ? run_of_job() : options.run_id,
          .tags = options.tags,
          .log_artifacts = options.log_artifacts,
          .flatten_params = options.flatten_params,
          .request_timeout_seconds = options.request_timeout_seconds,
          .finish_timeout_seconds = options.finish_timeout_seconds};
}

absl::Duration az_timeout(const AzureMLOptions& options) {
  const double seconds = options.az_timeout_seconds;
  if (seconds > 0 && seconds <= 1e6) return absl::Seconds(seconds);
  refuse_setting("az_timeout_seconds", absl::StrCat(seconds), "a number of seconds");
}

}  // namespace

MLflowSettings azureml_settings(const AzureMLOptions& options) { return mlflow_settings(mlflow_options(options)); }

std::unique_ptr<MLflowDestination> azureml_destination(const AzureMLAddress& address, const AzureMLOptions& options) {
  return std::make_unique<MLflowServer>(
      MLflowServerOptions{
          .tracker = "AzureML", .uri = address.server, .http = mlflow_http_options(mlflow_options(options))},
      std::make_unique<AzureMLToken>(AzureMLTokenOptions{.az_timeout = az_timeout(options)}));
}

}  // namespace downbeat
