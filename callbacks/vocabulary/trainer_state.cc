#include "callbacks/vocabulary/trainer_state.h"

namespace downbeat {

TrainerState::TrainerState(const TrainingArguments& args) : max_steps(args.max_steps) { resolve_intervals(args); }

void TrainerState::resolve_intervals(const TrainingArguments& args) {
  logging_steps = absolute_interval(args.logging_steps, max_steps);
  save_steps = absolute_interval(args.save_steps, max_steps);
  const double eval_interval = args.eval_steps.value_or(0);
  if (eval_interval != 0) {
    eval_steps = absolute_interval(eval_interval, max_steps);
  } else if (args.eval_strategy == IntervalStrategy::steps) {
    eval_steps = logging_steps;
  }
}

}  // namespace downbeat
