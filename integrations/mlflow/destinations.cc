#include "integrations/mlflow/destinations.h"

#include "integrations/mlflow/database.h"
#include "integrations/mlflow/rest.h"

namespace downbeat {

std::unique_ptr<MLflowDestination> mlflow_destination(const MLflowAddress& address, const MLflowOptions& options) {
  switch (address.kind) {
    case MLflowAddress::Kind::server:
      return std::make_unique<MLflowServer>(
          MLflowServerOptions{.uri = address.place, .http = mlflow_http_options(options)}, mlflow_credentials());
    case MLflowAddress::Kind::database:
      return std::make_unique<MLflowDatabase>(MLflowDatabaseOptions{.path = address.place});
    case MLflowAddress::Kind::unknown:
      break;
  }
  return nullptr;
}

}  // namespace downbeat
