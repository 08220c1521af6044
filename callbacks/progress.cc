#include "callbacks/progress.h"

#include <absl/strings/str_cat.h>

#include <chrono>
#include <optional>
#include <string>

#include "callbacks/progress_bar/display.h"
#include "callbacks/python_dict.h"

namespace downbeat {
namespace {

double seconds_of_steady_clock() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::optional<int64_t> known(int64_t total) { return total < 0 ? std::nullopt : std::optional(total); }

}  // namespace

ProgressCallback::ProgressCallback(const ProgressOptions& options)
    : max_str_len_(options.max_str_len),
      display_(std::make_unique<ProgressDisplay>(options.bar_stream, options.log_stream,
                                                 options.clock ? options.clock : seconds_of_steady_clock)) {}
ProgressCallback::~ProgressCallback() = default;
ProgressCallback::ProgressCallback(ProgressCallback&&) noexcept = default;
ProgressCallback& ProgressCallback::operator=(ProgressCallback&&) noexcept = default;

void ProgressCallback::on_train_begin(const TrainerState& state) {
  display_->close_all();  // a run before this one that never got to its end
  display_->open(ProgressDisplay::kTraining, known(state.max_steps), state.global_step);
  next_step_ = state.global_step + 1;
}

void ProgressCallback::show_step(int64_t step) { next_step_ = display_->advance(ProgressDisplay::kTraining, step); }

void ProgressCallback::on_predict_begin(const PredictionProgress& progress) {
  on_predict();  // one before this that was left by an exception
  batch_ = progress.batch;
  display_->open(ProgressDisplay::kPrediction, known(progress.batches), progress.batch);
  next_batch_ = progress.batch + 1;
}

void ProgressCallback::show_batch(const PredictionProgress& progress) {
  if (!display_->is_open(ProgressDisplay::kPrediction)) {
    on_predict_begin(progress);  // a loop that does not announce its evaluations
  } else {
    next_batch_ = display_->advance(ProgressDisplay::kPrediction, progress.batch);
  }
}

void ProgressCallback::on_predict() {
  next_batch_ = 0;
  if (!display_->is_open(ProgressDisplay::kPrediction)) return;
  const bool is_alone = !display_->is_open(ProgressDisplay::kTraining);
  display_->close(ProgressDisplay::kPrediction, batch_,
                  is_alone ? ProgressDisplay::Leave::kYes : ProgressDisplay::Leave::kNo);
}

void ProgressCallback::on_log(const Logs& logs, const TrainerState& state) {
  if (!display_->is_open(ProgressDisplay::kTraining)) return;
  Logs shown = logs;
  shown.erase("total_flos");
  display_->log_line(python_dict(shown, max_str_len_), state.global_step);
}

void ProgressCallback::on_train_end(const TrainerState& state, const TrainerControl& control) {
  next_step_ = kNever;
  if (!display_->is_open(ProgressDisplay::kTraining)) return;
  on_predict();
  display_->close(ProgressDisplay::kTraining, state.global_step, ProgressDisplay::Leave::kYes);

  const bool is_complete = state.max_steps >= 0 && state.global_step >= state.max_steps;
  if (is_complete || !control.should_training_stop || control.stop_reason.empty()) return;
  const std::string of_all = state.max_steps >= 0 ? absl::StrCat(" of ", state.max_steps) : "";
  display_->note(absl::StrCat("stopped after step ", state.global_step, of_all, ": ", control.stop_reason));
}

void ProgressCallback::on_exception() {
  next_step_ = kNever;
  display_->close_all();
}

}  // namespace downbeat
