#include "trainer/loop_rules.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace downbeat {
namespace {

int64_t divided_up(int64_t a, int64_t b) { return a / b + (a % b > 0); }

}  // namespace

Plan plan_of(const TrainingArguments& args, int64_t batches_per_epoch) {
  const int64_t steps_per_epoch = std::max<int64_t>(divided_up(batches_per_epoch, args.gradient_accumulation_steps), 1);
  if (args.max_steps > 0) return {args.max_steps, divided_up(args.max_steps, steps_per_epoch)};
  return {static_cast<int64_t>(std::ceil(args.num_train_epochs * static_cast<double>(steps_per_epoch))),
          static_cast<int64_t>(std::ceil(args.num_train_epochs))};
}

TrainingArguments with_absolute_intervals(TrainingArguments args, int64_t max_steps) {
  args.logging_steps = static_cast<double>(absolute_interval(args.logging_steps, max_steps));
  args.save_steps = static_cast<double>(absolute_interval(args.save_steps, max_steps));
  if (args.eval_steps) args.eval_steps = static_cast<double>(absolute_interval(*args.eval_steps, max_steps));
  return args;
}

bool note_best_metric(const TrainingArguments& args, const Metrics& metrics, TrainerState& state) {
  if (!args.metric_for_best_model) return false;
  const std::string& metric = *args.metric_for_best_model;
  const std::string name = metric.starts_with("eval_") ? metric : "eval_" + metric;
  if (!metrics.contains(name)) {
    std::string known;
    for (const auto& item : metrics) known += (known.empty() ? "" : ", ") + item.first;
    throw std::invalid_argument("metric_for_best_model=" + metric +
                                " is not among the metrics of the evaluation: " + known);
  }
  const bool greater_is_better = args.greater_is_better.value_or(false);
  const double value = metrics.at(name);
  const double worst = std::numeric_limits<double>::infinity() * (greater_is_better ? -1 : 1);
  const double best = state.best_metric.value_or(worst);
  const bool is_best = greater_is_better ? value > best : value < best;
  state.best_metric = is_best ? value : best;
  if (is_best && args.save_strategy != SaveStrategy::no) state.best_global_step = state.global_step;
  return is_best;
}

RunEnd run_end_of(const TrainerState& state, const TrainerControl& control, bool interrupted) {
  using enum RunEnd::How;
  if (interrupted) return {kInterrupted, control.stop_reason, control.stopped_by};
  if (control.should_training_stop && state.global_step < state.max_steps) {
    return {kStopped, control.stop_reason, control.stopped_by};
  }
  return {};
}

RunEnd failed_run_end(const std::exception_ptr& exception, const EventName& from) {
  RunEnd end{RunEnd::How::kFailed, "", std::string(from.name)};
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    end.reason = error.what();
  } catch (...) {
    end.reason = "something that is no std::exception was thrown";
  }
  return end;
}

CallbackState state_of(const TrainerControl& control) {
  return {.args = {{"should_training_stop", control.should_training_stop},
                   {"should_epoch_stop", control.should_epoch_stop},
                   {"should_save", control.should_save},
                   {"should_evaluate", control.should_evaluate},
                   {"should_log", control.should_log}}};
}

}  // namespace downbeat
