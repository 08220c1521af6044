#include "integrations/mlflow/mlflow.h"

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

MLflowCallback::MLflowCallback(MLflowOptions options) : options_(std::move(options)) {}
MLflowCallback::~MLflowCallback() = default;
MLflowCallback::MLflowCallback(MLflowCallback&&) noexcept = default;
MLflowCallback& MLflowCallback::operator=(MLflowCallback&&) noexcept = default;

void MLflowCallback::on_init_end(const TrainingArguments&) {
  if (!is_disabled()) mlflow_destination(mlflow_address(mlflow_settings(options_).tracking_uri), options_);
}

void MLflowCallback::on_load_checkpoint(const TrainingArguments& args, const Checkpoint& checkpoint) {
  const bool is_running = run_ && !run_->has_ended();
  if (!is_running && !args.report_to_new_run) resumed_from_ = checkpoint.directory;
}

void MLflowCallback::begin(const TrainingArguments& args, const TrainerState& state, const ModelDescription* model) {
  if (!state.is_world_process_zero || is_disabled()) return;
  if (run_ && run_->has_ended()) run_.reset();  // another training is another run
  if (!run_) run_ = new_run(options_, args, model, std::exchange(resumed_from_, ""));
}

void MLflowCallback::log(const TrainingArguments& args, const TrainerState& state, const Logs& logs,
                         const ModelDescription* model) {
  if (!state.is_world_process_zero) return;
  if (!run_) begin(args, state, model);
  if (run_) run_->log(state, logs);
}

void MLflowCallback::on_save(const TrainerState& state, const Checkpoint& checkpoint) {
  if (run_ && state.is_world_process_zero) run_->save(checkpoint.directory);
}

void MLflowCallback::on_train_end(const TrainerState& state, const RunEnd& end) {
  if (!run_ || !state.is_world_process_zero) return;
  run_->end(end);
  run_->drain();
}

}  // namespace downbeat
