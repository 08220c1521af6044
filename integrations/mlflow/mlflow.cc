#include "integrations/mlflow/mlflow.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/message.h"
#include "integrations/mlflow/destinations.h"
#include "integrations/mlflow/run.h"
#include "integrations/mlflow/settings.h"
#include "integrations/support/environment.h"

namespace downbeat {
namespace {

bool is_disabled() { return is_environment_true("DISABLE_MLFLOW_INTEGRATION"); }

std::unique_ptr<MLflowRun> new_run(const MLflowOptions& options, const TrainingArguments& args,
                                   const ModelDescription* model, const std::string& resumed_from) {
  MLflowSettings settings = mlflow_settings(options);
  const MLflowAddress address = mlflow_address(settings.tracking_uri);
  if (!address.warning.empty()) warn(absl::StrCat("MLflow: ", address.warning));
  return std::make_unique<MLflowRun>(
      MLflowRunOptions{.uri = address.uri, .destination = mlflow_destination(address, options)}, std::move(settings),
      args, model, resumed_from);
}

}  // namespace

MLflowCallback::MLflowCallback(MLflowOptions options)
    : MLflowReporter(
          [options](const TrainingArguments& args, const ModelDescription* model, const std::string& resumed_from) {
            return is_disabled() ? nullptr : new_run(options, args, model, resumed_from);
          }),
      options_(std::move(options)) {}

void MLflowCallback::on_init_end(const TrainingArguments&) {
  if (!is_disabled()) mlflow_destination(mlflow_address(mlflow_settings(options_).tracking_uri), options_);
}

}  // namespace downbeat
