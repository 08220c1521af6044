#include "integrations/mlflow/mlflow_reporter.h"

#include <utility>

#include "integrations/mlflow/run.h"

namespace downbeat {

MLflowReporter::MLflowReporter(NewRun new_run) : new_run_(std::move(new_run)) {}
MLflowReporter::~MLflowReporter() = default;
MLflowReporter::MLflowReporter(MLflowReporter&&) noexcept = default;
MLflowReporter& MLflowReporter::operator=(MLflowReporter&&) noexcept = default;

void MLflowReporter::on_load_checkpoint(const TrainingArguments& args, const Checkpoint& checkpoint) {
  const bool is_running = run_ && !run_->has_ended();
  if (!is_running && !args.report_to_new_run) resumed_from_ = checkpoint.directory;
}

void MLflowReporter::begin(const TrainingArguments& args, const TrainerState& state, const ModelDescription* model) {
  if (!state.is_world_process_zero) return;
  if (run_ && run_->has_ended()) run_.reset();  // another training is another run
  if (run_) return;
  run_ = new_run_(args, model, resumed_from_);
  if (run_) resumed_from_.clear();
}

void MLflowReporter::log(const TrainingArguments& args, const TrainerState& state, const Logs& logs,
                         const ModelDescription* model) {
  if (!state.is_world_process_zero) return;
  if (!run_) begin(args, state, model);
  if (run_) run_->log(state, logs);
}

void MLflowReporter::on_save(const TrainerState& state, const Checkpoint& checkpoint) {
  if (run_ && state.is_world_process_zero) run_->save(checkpoint.directory);
}

void MLflowReporter::on_train_end(const TrainerState& state, const RunEnd& end) {
  if (!run_ || !state.is_world_process_zero) return;
  run_->end(end);
  run_->drain();
}

}  // namespace downbeat
