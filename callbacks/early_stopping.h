// EarlyStoppingCallback: stops the run when metric_for_best_model has not improved for some evaluations in a row.
//
//   TrainingArguments args{.eval_strategy = IntervalStrategy::epoch, .metric_for_best_model = "accuracy"};
//   auto callbacks = Callbacks(EarlyStoppingCallback({.early_stopping_patience = 3}));
//
// HuggingFace's rules: an evaluation counts as better if it beats state.best_metric by more than the threshold. The
// counter is saved with every checkpoint. To stop at a value of the loss write a callback with on_log.
#pragma once

#include <cstdint>

#include "callbacks/vocabulary/callback_state.h"
#include "callbacks/vocabulary/logs.h"
#include "callbacks/vocabulary/trainer_control.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"

namespace downbeat {

struct EarlyStoppingOptions {
  int64_t early_stopping_patience = 1;    // stop at this many evaluations in a row without improvement
  double early_stopping_threshold = 0.0;  // a gain must be larger than this to be an improvement
};

class EarlyStoppingCallback {
 public:
  explicit EarlyStoppingCallback(const EarlyStoppingOptions& options = {}) : options_(options) {}

  // Throws std::invalid_argument when the arguments name no metric or ask for no evaluation.
  void on_train_begin(const TrainingArguments& args);
  void on_evaluate(const Metrics& metrics, const TrainingArguments& args, const TrainerState& state,
                   TrainerControl& control);

  int64_t counter() const { return counter_; }  // evaluations in a row without improvement

  CallbackState state() const;
  void load_state(const CallbackState& state);

 private:
  EarlyStoppingOptions options_;
  int64_t counter_ = 0;
};

}  // namespace downbeat
