// ProgressCallback: a live progress bar on standard error, with the logs above it on standard output.
//
//   {'loss': '0.4213', 'grad_norm': '1.302', 'learning_rate': '4.8e-05', 'epoch': '0.04'}
//     4%|▍         | 12/300 [00:01<00:32,  8.90it/s]
//
//   CallbackHandler handler(DefaultFlowCallback{}, ProgressCallback{});      // Trainer adds both by itself
//   ProgressCallback({.max_str_len = 400});
//
// A second bar under it shows evaluations and predictions. Where standard error is no terminal, there is a plain line
// now and then. Only the first process of a run shows anything (world_zero). A step on which there is nothing to draw
// costs a comparison. For logs without a bar use PrinterCallback.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>

#include "callbacks/vocabulary/logs.h"
#include "callbacks/vocabulary/prediction_progress.h"
#include "callbacks/vocabulary/runs_on.h"
#include "callbacks/vocabulary/trainer_control.h"
#include "callbacks/vocabulary/trainer_state.h"

namespace downbeat {

class ProgressDisplay;

struct ProgressOptions {
  int64_t max_str_len = 100;  // a longer text in the logs is replaced by a note
  std::FILE* bar_stream = stderr;
  std::FILE* log_stream = stdout;
  std::function<double()> clock = {};  // seconds, for tests
};

class ProgressCallback {
 public:
  static constexpr RunsOn runs_on = RunsOn::world_zero;

  explicit ProgressCallback(const ProgressOptions& options = {});
  ~ProgressCallback();  // takes down a bar that is still there: an exception may have ended the run
  ProgressCallback(ProgressCallback&&) noexcept;
  ProgressCallback& operator=(ProgressCallback&&) noexcept;

  // A negative state.max_steps is a bar without end.
  void on_train_begin(const TrainerState& state);
  void on_step_end(const TrainerState& state) {
    if (state.global_step >= next_step_) show_step(state.global_step);
  }
  void on_evaluate_begin(const PredictionProgress& progress) { on_predict_begin(progress); }
  void on_predict_begin(const PredictionProgress& progress);
  void on_prediction_step(const PredictionProgress& progress) {
    batch_ = progress.batch;
    if (batch_ >= next_batch_) show_batch(progress);
  }
  void on_evaluate() { on_predict(); }
  void on_predict();
  void on_log(const Logs& logs, const TrainerState& state);
  void on_train_end(const TrainerState& state, const TrainerControl& control);
  void on_exception();

 private:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  void show_step(int64_t step);
  void show_batch(const PredictionProgress& progress);

  int64_t max_str_len_;
  std::unique_ptr<ProgressDisplay> display_;  // stays where it is when the callback moves: messages are told to it
  int64_t next_step_ = kNever;                // nothing is to be drawn before it
  int64_t next_batch_ = 0;
  int64_t batch_ = 0;
};

}  // namespace downbeat
