// A whole run without a model: HuggingFace's events in their order, obeying the control, with made-up numbers.
//
//   SyntheticRun run;
//   run.begin(handler);
//   run.steps(handler, 7);        // as far as it is wanted
//   run.finish(handler);          // the rest and the end
#pragma once

#include <cstdint>

#include "callbacks/vocabulary/checkpoint.h"
#include "callbacks/vocabulary/events.h"
#include "callbacks/vocabulary/logs.h"
#include "callbacks/vocabulary/prediction_progress.h"
#include "callbacks/vocabulary/run_end.h"
#include "callbacks/vocabulary/trainer_control.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"

namespace downbeat::laws {

class SyntheticRun {
 public:
  static constexpr int64_t kStepsAnEpoch = 8;

  void begin(auto& handler) {
    handler.on_init_end(args, state, control);
    handler.on_train_begin(args, state, control);
  }

  void steps(auto& handler, int64_t count) {
    for (; count > 0 && !over_; --count) step(handler);
  }

  void finish(auto& handler) {
    while (!over_) step(handler);
    log(handler, Logs{{"train_loss", loss()}, {"total_flos", 0.0}});
    handler.on_train_end(args, state, control, RunEnd{});
  }

  const TrainingArguments args{
      .num_train_epochs = 3,
      .max_steps = 3 * kStepsAnEpoch,
      .logging_steps = 3,
      .disable_tqdm = false,
      .eval_strategy = IntervalStrategy::steps,
      .eval_steps = 4,
      .save_steps = 8,
      .load_best_model_at_end = true,
      .metric_for_best_model = "eval_loss",
      .greater_is_better = false,
  };
  TrainerState state{args};
  TrainerControl control;
  bool asks_by_itself = false;  // logs, evaluates and saves now and then without a DefaultFlowCallback

 private:
  // Falls, then rises from step 10 on.
  double loss() const {
    const double distance = static_cast<double>(state.global_step) - 10;
    return 0.25 + 0.01 * distance * distance;
  }

  void step(auto& handler) {
    if (state.global_step % kStepsAnEpoch == 0 && !in_epoch_) {
      in_epoch_ = true;
      handler.on_epoch_begin(args, state, control);
    }
    handler.on_step_begin(args, state, control);
    handler.on_substep_begin(args, state, control);
    handler.on_substep_end(args, state, control);
    handler.on_substep_begin(args, state, control);
    handler.on_gradients_ready(args, state, control);
    handler.on_pre_optimizer_step(args, state, control);
    handler.on_optimizer_step(args, state, control);
    ++state.global_step;
    state.epoch = static_cast<double>(state.global_step) / kStepsAnEpoch;
    if (asks_by_itself) {
      control.should_log = state.global_step % 3 == 0;
      control.should_evaluate = state.global_step % 4 == 0;
      control.should_save = state.global_step % 8 == 0;
    }
    handler.on_step_end(args, state, control);
    serve(handler);
    if (state.global_step % kStepsAnEpoch == 0 || control.should_epoch_stop || control.should_training_stop) {
      in_epoch_ = false;
      handler.on_epoch_end(args, state, control);
      serve(handler);
      over_ = control.should_training_stop || state.global_step >= state.max_steps;
    }
  }

  // Log, evaluate, save: always in this order.
  void serve(auto& handler) {
    if (control.should_log && state.global_step > last_logged_) {
      last_logged_ = state.global_step;
      log(handler, Logs{{"loss", loss()}, {"learning_rate", 1e-3}});
    }
    if (control.should_evaluate) evaluate(handler);
    if (control.should_save) handler.on_save(args, state, control, Checkpoint{"checkpoint", state.global_step});
  }
  void log(auto& handler, Logs logs) {
    logs["epoch"] = state.epoch;
    state.log_history.push_back(logs);
    handler.on_log(args, state, control, logs);
  }
  void evaluate(auto& handler) {
    PredictionProgress progress{.batch = 0, .batches = 2};
    handler.on_evaluate_begin(args, state, control, progress);
    while (progress.batch < progress.batches) {
      ++progress.batch;
      handler.on_prediction_step(args, state, control, progress);
    }
    const Metrics metrics{{"eval_loss", loss()}};
    log(handler, metrics);
    handler.on_evaluate(args, state, control, metrics);
    if (!state.best_metric || loss() < *state.best_metric) {
      state.best_metric = loss();
      state.best_global_step = state.global_step;
    }
  }

  bool in_epoch_ = false;
  bool over_ = false;
  int64_t last_logged_ = 0;
};

}  // namespace downbeat::laws
