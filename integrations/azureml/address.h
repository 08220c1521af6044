// Where the runs of an AzureML workspace are tracked.
//
//   azureml_address("azureml://eastus.api.azureml.ms/mlflow/v1.0/subscriptions/S/.../workspaces/W?x=y")->server
//       == "https://eastus.api.azureml.ms/mlflow/v2.0/subscriptions/S/.../workspaces/W"
//
// MLflow's REST interface follows there, /api/2.0/mlflow/... For tests, 127.0.0.1 and ::1 are spoken to without TLS.
#pragma once

#include <optional>
#include <string>

namespace downbeat {

struct AzureMLAddress {
  std::string server = {};  // where requests go; without a slash at its end
  std::string uri = {};     // azureml://..., as spools and checkpoints note it
};

// Nothing where it is no address of a workspace.
std::optional<AzureMLAddress> azureml_address_in(const std::string& tracking_uri);

// Of `tracking_uri`; where that is empty, of the variables of a job of AzureML; nothing outside of one. Throws
// std::invalid_argument, with one sentence, for what cannot be meant.
std::optional<AzureMLAddress> azureml_address(const std::string& tracking_uri);

}  // namespace downbeat
