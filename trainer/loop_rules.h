// The rules of the loop that need neither handler nor policy: how many steps, which metric is best, how a run ended.
#pragma once

#include <cstdint>
#include <exception>

#include "callbacks/vocabulary/callback_state.h"
#include "callbacks/vocabulary/events.h"
#include "callbacks/vocabulary/run_end.h"
#include "callbacks/vocabulary/trainer_control.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"

namespace downbeat {

struct Plan {
  int64_t max_steps;
  int64_t num_train_epochs;
};

// max_steps wins over num_train_epochs; the last step of an epoch may have fewer substeps than the others.
Plan plan_of(const TrainingArguments& args, int64_t batches_per_epoch);

// Logging, evaluation and saving intervals that are shares of all steps worked out, as hooks see them.
TrainingArguments with_absolute_intervals(TrainingArguments args, int64_t max_steps);

// Updates best_metric and best_global_step; true for a new best. Strictly better, without a threshold; NaN never is.
// Throws std::invalid_argument when args.metric_for_best_model is not among the metrics.
bool note_best_metric(const TrainingArguments& args, const Metrics& metrics, TrainerState& state);

RunEnd run_end_of(const TrainerState& state, const TrainerControl& control, bool interrupted);
RunEnd failed_run_end(const std::exception_ptr& exception, const EventName& from);

// TrainerControl as HuggingFace puts it among the stateful callbacks.
CallbackState state_of(const TrainerControl& control);

}  // namespace downbeat
