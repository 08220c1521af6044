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

void MLflowReporter::begin(const TrainingArguments& args, const ModelDescription* model) {
  if (run_ && run_->has_ended()) run_.reset();  // another training is another run
  if (run_) return;
  run_ = new_run_(args, model, resumed_from_);
  if (run_) resumed_from_.clear();
}

void MLflowReporter::log(const TrainingArguments& args, const TrainerState& state, const Logs& logs,
                         const ModelDescription* model) {
  if (!run_) begin(args, model);
  if (run_) run_->log(state, logs);
}

void MLflowReporter::on_save(const Checkpoint& checkpoint) {
  if (run_) run_->save(checkpoint.directory);
}

void MLflowReporter::on_train_end(const RunEnd& end) {
  if (!run_) return;
  run_->end(end);
  run_->drain();
}

}  // namespace downbeat
