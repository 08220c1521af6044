// The destination that a tracking URI names.
#pragma once

#include <memory>

#include "integrations/mlflow/destination.h"
#include "integrations/mlflow/mlflow_options.h"
#include "integrations/mlflow/settings.h"

namespace downbeat {

// Null for an address of which nothing is known. Throws std::invalid_argument as settings.h.
std::unique_ptr<MLflowDestination> mlflow_destination(const MLflowAddress& address, const MLflowOptions& options);

}  // namespace downbeat
