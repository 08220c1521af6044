#include "integrations/wandb/wandb.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/message.h"
#include "integrations/wandb/run.h"
#include "integrations/wandb/settings.h"

namespace downbeat {
namespace {

void warn_of(const WandbSettings& settings, const TrainingArguments& args, const ModelDescription* model) {
  for (const std::string& text : settings.warnings) warn("W&B: " + text);
  if (model == nullptr && (settings.watches() || settings.log_model != WandbLogModel::none)) {
    warn(
        "W&B: WANDB_WATCH and WANDB_LOG_MODEL need to know the model, and this loop passes no ModelDescription: there "
        "will be no histograms and no artifact base_model");
  }
  if (settings.log_model != WandbLogModel::none && args.save_strategy == SaveStrategy::no) {
    warn("W&B: WANDB_LOG_MODEL takes the model from checkpoints, and save_strategy is no: there will be none");
  }
}

}  // namespace

WandbCallback::WandbCallback(WandbOptions options) : options_(std::move(options)) {}
WandbCallback::~WandbCallback() = default;
WandbCallback::WandbCallback(WandbCallback&&) noexcept = default;
WandbCallback& WandbCallback::operator=(WandbCallback&&) noexcept = default;

void WandbCallback::on_init_end(const TrainingArguments& args) { resolve_settings(options_, args); }

void WandbCallback::on_load_checkpoint(const TrainingArguments& args, const Checkpoint& checkpoint) {
  if (!args.report_to_new_run) resumed_from_ = checkpoint.directory;
}

void WandbCallback::set_up(const TrainingArguments& args, const ModelDescription* model) {
  if (is_set_up_) return;
  WandbSettings settings = resolve_settings(options_, args);
  is_set_up_ = true;
  if (settings.mode == WandbMode::disabled) return;
  WandbIdentity identity = identity_of_run(settings, resumed_from_);
  warn_of(settings, args, model);
  watches_ = settings.watches();
  run_ = std::make_unique<WandbRun>(std::move(settings), std::move(identity), args, model);
}

void WandbCallback::watch(const TrainerState& state, const ModelDescription* model) {
  if (watches_ && run_ && model != nullptr) run_->watch(state, *model);
}

void WandbCallback::log(const TrainingArguments& args, const TrainerState& state, const Logs& logs,
                        const ModelDescription* model) {
  if (!is_set_up_) set_up(args, model);
  if (run_) run_->log(state, logs);
}

void WandbCallback::predicted(const TrainingArguments& args, const TrainerState& state, const Metrics& metrics,
                              const ModelDescription* model) {
  if (!is_set_up_) set_up(args, model);
  if (run_) run_->predicted(state, metrics);
}

void WandbCallback::on_save(const TrainerState& state, const Checkpoint& checkpoint) {
  if (run_) run_->save(state, checkpoint);
}

void WandbCallback::on_train_end(const TrainingArguments& args, const TrainerState& state, const RunEnd& end) {
  if (run_) run_->end(args, state, end);
}

}  // namespace downbeat
