// What AzureMLOptions and the environment say about a run in a workspace of AzureML.
#pragma once

#include <memory>

#include "integrations/azureml/address.h"
#include "integrations/azureml/azureml_options.h"
#include "integrations/mlflow/destination.h"
#include "integrations/mlflow/settings.h"

namespace downbeat {

// All throw std::invalid_argument, with one sentence, for what cannot be meant.
MLflowSettings azureml_settings(const AzureMLOptions& options);
std::unique_ptr<MLflowDestination> azureml_destination(const AzureMLAddress& address, const AzureMLOptions& options);

}  // namespace downbeat
