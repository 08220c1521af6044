#include "callbacks/default_flow.h"

#include <cstdint>

namespace downbeat {
namespace {

// An interval of 0 never comes; HuggingFace would divide by it.
bool is_multiple(int64_t step, int64_t interval) { return interval > 0 && step % interval == 0; }

}  // namespace

void DefaultFlowCallback::on_step_end(const TrainingArguments& args, const TrainerState& state,
                                      TrainerControl& control) {
  const int64_t step = state.global_step;
  const bool log_by_steps = args.logging_strategy == IntervalStrategy::steps;
  const bool save_by_steps = args.save_strategy == SaveStrategy::steps;
  const bool evaluate_by_steps =
      args.eval_strategy == IntervalStrategy::steps && args.eval_delay <= static_cast<double>(step);

  if (step == 1 && args.logging_first_step) control.should_log = true;
  if (log_by_steps && is_multiple(step, state.logging_steps)) control.should_log = true;
  if (evaluate_by_steps && is_multiple(step, state.eval_steps)) control.should_evaluate = true;
  if (save_by_steps && is_multiple(step, state.save_steps)) control.should_save = true;

  if (state.max_steps >= 0 && step >= state.max_steps) {
    control.should_training_stop = true;
    // Whatever the intervals, the end is evaluated and saved; there is no such last log.
    if (evaluate_by_steps) control.should_evaluate = true;
    if (save_by_steps) control.should_save = true;
  }
}

void DefaultFlowCallback::on_epoch_end(const TrainingArguments& args, const TrainerState& state,
                                       TrainerControl& control) {
  if (args.logging_strategy == IntervalStrategy::epoch) control.should_log = true;
  if (args.eval_strategy == IntervalStrategy::epoch && args.eval_delay <= state.epoch) control.should_evaluate = true;
  if (args.save_strategy == SaveStrategy::epoch) control.should_save = true;
}

}  // namespace downbeat
