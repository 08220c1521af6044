#include "integrations/azureml/azureml.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "callbacks/vocabulary/message.h"
#include "integrations/azureml/address.h"
#include "integrations/azureml/settings.h"
#include "integrations/mlflow/run.h"
#include "integrations/support/environment.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

constexpr char kTracker[] = "AzureML";
constexpr char kOutputs[] = "outputs";  // a job uploads it by itself

std::optional<AzureMLAddress> address_of(const AzureMLOptions& options) {
  return azureml_address(chosen_setting(options.tracking_uri, "MLFLOW_TRACKING_URI"));
}

fs::path canonical(const std::string& path) {
  std::error_code error;
  return fs::weakly_canonical(fs::absolute(path, error), error);
}

bool is_below(const std::string& path, const std::string& directory) {
  const fs::path relative = canonical(path).lexically_relative(canonical(directory));
  return !relative.empty() && *relative.begin() != "..";
}

class RunInWorkspace {
 public:
  explicit RunInWorkspace(AzureMLOptions options) : options_(std::move(options)) {}

  std::unique_ptr<MLflowRun> operator()(const TrainingArguments& args, const ModelDescription* model,
                                        const std::string& resumed_from) {
    if (is_off_) return nullptr;
    const auto address = address_of(options_);
    if (address) return at(*address, args, model, resumed_from);
    is_off_ = true;
    warn(
        "AzureML: nothing is reported, as this is no job of AzureML: neither MLFLOW_TRACKING_URI is set nor all of "
        "AZUREML_SERVICE_ENDPOINT, AZUREML_ARM_SUBSCRIPTION, AZUREML_ARM_RESOURCEGROUP and AZUREML_ARM_WORKSPACE_NAME");
    return nullptr;
  }

 private:
  std::unique_ptr<MLflowRun> at(const AzureMLAddress& address, const TrainingArguments& args,
                                const ModelDescription* model, const std::string& resumed_from) const {
    MLflowSettings settings = azureml_settings(options_);
    if (is_below(args.output_dir, kOutputs)) settings.log_artifacts = false;  // the checkpoints are there already
    return std::make_unique<MLflowRun>(MLflowRunOptions{.tracker = kTracker,
                                                        .name = std::string(AzureMLCallback::report_to_name),
                                                        .uri = address.uri,
                                                        .owns_given_run = false,
                                                        .artifact_directory = kOutputs,
                                                        .destination = azureml_destination(address, options_)},
                                       std::move(settings), args, model, resumed_from);
  }

  AzureMLOptions options_;
  bool is_off_ = false;  // there is no workspace
};

}  // namespace

AzureMLCallback::AzureMLCallback(AzureMLOptions options)
    : MLflowReporter(RunInWorkspace(options)), options_(std::move(options)) {}

void AzureMLCallback::on_init_end(const TrainingArguments&) {
  const auto address = address_of(options_);
  if (!address) return;
  azureml_settings(options_);
  azureml_destination(*address, options_);
}

}  // namespace downbeat
