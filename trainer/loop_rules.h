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

// The value of args.metric_for_best_model. Throws std::invalid_argument when it is not among the metrics.
double best_model_metric(const TrainingArguments& args, const Metrics& metrics);

// Updates best_metric and best_global_step; true for a new best. Strictly better, without a threshold; NaN never is.
// Throws as best_model_metric.
bool note_best_metric(const TrainingArguments& args, const Metrics& metrics, TrainerState& state);

RunEnd run_end_of(const TrainerState& state, const TrainerControl& control, bool interrupted);
RunEnd failed_run_end(const std::exception_ptr& exception, const EventName& from);

// TrainerControl as HuggingFace puts it among the stateful callbacks; and back, what is not there left as it is.
CallbackState state_of(const TrainerControl& control);
void load_state(const CallbackState& state, TrainerControl& control);
inline constexpr char kControlName[] = "TrainerControl";

// One warning that names the callbacks of a checkpoint that this run does not have.
void warn_of_unknown_callbacks(const CallbackStates& stored, const CallbackStates& present);

// Where a run goes on: in this epoch, after this many of its batches.
struct Position {
  int64_t epoch = 0;
  int64_t batches = 0;
};
Position position_of(const TrainingArguments& args, int64_t global_step, int64_t batches_per_epoch);

// The state of a checkpoint made that of a run that goes on from it, by HuggingFace's rules: the intervals are the
// checkpoint's (a difference from `args` is warned of), a best checkpoint that is gone is forgotten. Throws
// std::invalid_argument for intervals no run can have.
void adopt_state(const TrainingArguments& args, TrainerState& state);

}  // namespace downbeat
