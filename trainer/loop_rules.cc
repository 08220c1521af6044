#include "trainer/loop_rules.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <string>
#include <variant>

#include "callbacks/vocabulary/message.h"
#include "trainer/data/divided_up.h"

namespace downbeat {
namespace {

int64_t steps_per_epoch(const TrainingArguments& args, int64_t batches_per_epoch) {
  return std::max<int64_t>(divided_up(batches_per_epoch, args.gradient_accumulation_steps), 1);
}

// As HuggingFace, the checkpoint's intervals win. Its own warning leaves that open.
void warn_of_differences(const TrainingArguments& args, const TrainerState& state) {
  std::string differences;
  const auto compare = [&](const char* name, int64_t asked, int64_t stored) {
    if (asked == stored) return;
    differences += (differences.empty() ? "" : ", ") + std::string(name) + "=" + std::to_string(stored) + " and not " +
                   std::to_string(asked);
  };
  compare("logging_steps", static_cast<int64_t>(args.logging_steps), state.logging_steps);
  if (args.eval_steps) compare("eval_steps", static_cast<int64_t>(*args.eval_steps), state.eval_steps);
  compare("save_steps", static_cast<int64_t>(args.save_steps), state.save_steps);
  if (!differences.empty()) warn("the run goes on with the checkpoint's " + differences);
  if (state.train_batch_size && *state.train_batch_size != args.per_device_train_batch_size) {
    warn("the checkpoint was made with per_device_train_batch_size=" + std::to_string(*state.train_batch_size) +
         " and the run goes on with " + std::to_string(args.per_device_train_batch_size) +
         ": its samples are not those that an uninterrupted run would see");
  }
}

}  // namespace

Plan plan_of(const TrainingArguments& args, int64_t batches_per_epoch) {
  const int64_t steps = steps_per_epoch(args, batches_per_epoch);
  if (args.max_steps > 0) return {args.max_steps, divided_up(args.max_steps, steps)};
  return {static_cast<int64_t>(std::ceil(args.num_train_epochs * static_cast<double>(steps))),
          static_cast<int64_t>(std::ceil(args.num_train_epochs))};
}

TrainingArguments with_absolute_intervals(TrainingArguments args, int64_t max_steps) {
  args.logging_steps = static_cast<double>(absolute_interval(args.logging_steps, max_steps));
  args.save_steps = static_cast<double>(absolute_interval(args.save_steps, max_steps));
  if (args.eval_steps) args.eval_steps = static_cast<double>(absolute_interval(*args.eval_steps, max_steps));
  return args;
}

double best_model_metric(const TrainingArguments& args, const Metrics& metrics) {
  const std::string metric = args.metric_for_best_model.value_or("loss");
  const std::string name = metric.starts_with("eval_") ? metric : "eval_" + metric;
  if (metrics.contains(name)) return metrics.at(name);
  std::string known;
  for (const auto& item : metrics) known += (known.empty() ? "" : ", ") + item.first;
  throw std::invalid_argument("metric_for_best_model=" + metric +
                              " is not among the metrics of the evaluation: " + known);
}

bool note_best_metric(const TrainingArguments& args, const Metrics& metrics, TrainerState& state) {
  if (!args.metric_for_best_model) return false;
  const bool greater_is_better = args.greater_is_better.value_or(false);
  const double value = best_model_metric(args, metrics);
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

void load_state(const CallbackState& state, TrainerControl& control) {
  const auto flag = [&](const char* name, bool& value) {
    const auto found = state.args.find(name);
    if (found == state.args.end()) return;
    if (const bool* stored = std::get_if<bool>(&found->second)) value = *stored;
  };
  flag("should_training_stop", control.should_training_stop);
  flag("should_epoch_stop", control.should_epoch_stop);
  flag("should_save", control.should_save);
  flag("should_evaluate", control.should_evaluate);
  flag("should_log", control.should_log);
}

void warn_of_unknown_callbacks(const CallbackStates& stored, const CallbackStates& present) {
  std::string unknown;
  for (const auto& item : stored) {
    if (item.first == kControlName || present.contains(item.first)) continue;
    unknown += (unknown.empty() ? "" : ", ") + item.first;
  }
  if (!unknown.empty()) warn("the checkpoint has the state of callbacks that this run does not have: " + unknown);
}

Position position_of(const TrainingArguments& args, int64_t global_step, int64_t batches_per_epoch) {
  const int64_t steps = steps_per_epoch(args, batches_per_epoch);
  const int64_t batches = args.ignore_data_skip ? 0 : global_step % steps * args.gradient_accumulation_steps;
  return {.epoch = global_step / steps, .batches = batches};
}

void adopt_state(const TrainingArguments& args, TrainerState& state) {
  warn_of_differences(args, state);
  if (state.best_model_checkpoint && !std::filesystem::is_directory(*state.best_model_checkpoint)) {
    warn("the best checkpoint, " + *state.best_model_checkpoint + ", is not there any more and is forgotten");
    state.best_model_checkpoint.reset();
  }
}

}  // namespace downbeat
