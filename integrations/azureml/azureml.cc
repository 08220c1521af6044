#include "integrations/azureml/azureml.h"

#include <filesystem>
#include <optional>
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
  return azureml_address(options.tracking_uri.empty() ? environment_variable("MLFLOW_TRACKING_URI", "")
                                                      : options.tracking_uri);
}

fs::path canonical(const std::string& path) {
  std::error_code error;
  return fs::weakly_canonical(fs::absolute(path, error), error);
}

bool is_below(const std::string& path, const std::string& directory) {
  const fs::path relative = canonical(path).lexically_relative(canonical(directory));
  return !relative.empty() && *relative.begin() != "..";
}

std::unique_ptr<MLflowRun> new_run(const AzureMLAddress& address, const AzureMLOptions& options,
                                   const TrainingArguments& args, const ModelDescription* model,
                                   const std::string& resumed_from) {
  MLflowSettings settings = azureml_settings(options);
  if (is_below(args.output_dir, kOutputs)) settings.log_artifacts = false;  // the checkpoints are there already
  return std::make_unique<MLflowRun>(MLflowRunOptions{.tracker = kTracker,
                                                      .name = std::string(AzureMLCallback::report_to_name),
                                                      .uri = address.uri,
                                                      .owns_given_run = false,
                                                      .artifact_directory = kOutputs,
                                                      .destination = azureml_destination(address, options)},
                                     std::move(settings), args, model, resumed_from);
}

}  // namespace

AzureMLCallback::AzureMLCallback(AzureMLOptions options) : options_(std::move(options)) {}
AzureMLCallback::~AzureMLCallback() = default;
AzureMLCallback::AzureMLCallback(AzureMLCallback&&) noexcept = default;
AzureMLCallback& AzureMLCallback::operator=(AzureMLCallback&&) noexcept = default;

void AzureMLCallback::on_init_end(const TrainingArguments&) {
  const auto address = address_of(options_);
  if (!address) return;
  azureml_settings(options_);
  azureml_destination(*address, options_);
}

void AzureMLCallback::on_load_checkpoint(const TrainingArguments& args, const Checkpoint& checkpoint) {
  const bool is_running = run_ && !run_->has_ended();
  if (!is_running && !args.report_to_new_run) resumed_from_ = checkpoint.directory;
}

void AzureMLCallback::begin(const TrainingArguments& args, const TrainerState& state, const ModelDescription* model) {
  if (!state.is_world_process_zero || is_off_) return;
  if (run_ && run_->has_ended()) run_.reset();  // another training is another run
  if (run_) return;
  if (const auto address = address_of(options_)) {
    run_ = new_run(*address, options_, args, model, std::exchange(resumed_from_, ""));
    return;
  }
  is_off_ = true;
  warn(
      "AzureML: nothing is reported, as this is no job of AzureML: neither MLFLOW_TRACKING_URI is set nor all of "
      "AZUREML_SERVICE_ENDPOINT, AZUREML_ARM_SUBSCRIPTION, AZUREML_ARM_RESOURCEGROUP and AZUREML_ARM_WORKSPACE_NAME");
}

void AzureMLCallback::log(const TrainingArguments& args, const TrainerState& state, const Logs& logs,
                          const ModelDescription* model) {
  if (!state.is_world_process_zero) return;
  if (!run_) begin(args, state, model);
  if (run_) run_->log(state, logs);
}

void AzureMLCallback::on_save(const TrainerState& state, const Checkpoint& checkpoint) {
  if (run_ && state.is_world_process_zero) run_->save(checkpoint.directory);
}

void AzureMLCallback::on_train_end(const TrainerState& state, const RunEnd& end) {
  if (!run_ || !state.is_world_process_zero) return;
  run_->end(end);
  run_->drain();
}

}  // namespace downbeat
