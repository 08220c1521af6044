#include "callbacks/early_stopping.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <variant>

#include "callbacks/vocabulary/message.h"
#include "callbacks/vocabulary/python_json.h"

namespace downbeat {
namespace {

constexpr char kPatience[] = "early_stopping_patience";
constexpr char kThreshold[] = "early_stopping_threshold";
constexpr char kCounter[] = "early_stopping_patience_counter";

// NaN is never better.
bool is_better(double value, double best, bool greater_is_better) {
  return greater_is_better ? value > best : value < best;
}

std::string count_of(int64_t evaluations) {
  return evaluations == 1 ? "1 evaluation" : absl::StrCat(evaluations, " evaluations in a row");
}

// What is not there stays as it is: HuggingFace takes a constructor's default for it too.
void read(const Kwargs& values, const char* name, auto& into) {
  const auto found = values.find(name);
  if (found == values.end()) return;
  if (const auto* whole = std::get_if<int64_t>(&found->second)) {
    into = static_cast<std::remove_reference_t<decltype(into)>>(*whole);
  } else if (const auto* number = std::get_if<double>(&found->second)) {
    into = static_cast<std::remove_reference_t<decltype(into)>>(*number);
  } else {
    throw std::invalid_argument(absl::StrCat("EarlyStoppingCallback: the stored ", name, " is not a number"));
  }
}

}  // namespace

void EarlyStoppingCallback::on_train_begin(const TrainingArguments& args) {
  if (!args.load_best_model_at_end) {
    warn(
        "EarlyStoppingCallback without --load_best_model_at_end: the run ends with its last weights, not with its "
        "best");
  }
  if (!args.metric_for_best_model) {
    throw std::invalid_argument(
        "EarlyStoppingCallback needs to know which metric to watch: set metric_for_best_model, to eval_loss for "
        "example");
  }
  if (args.eval_strategy == IntervalStrategy::no) {
    throw std::invalid_argument(
        "EarlyStoppingCallback needs evaluations during training: set eval_strategy to steps or epoch");
  }
}

void EarlyStoppingCallback::on_evaluate(const Metrics& metrics, const TrainingArguments& args,
                                        const TrainerState& state, TrainerControl& control) {
  std::string name = args.metric_for_best_model.value_or("loss");
  if (!absl::StartsWith(name, "eval_")) name = "eval_" + name;
  const Metrics::Value* found = metrics.find(name);
  if (found == nullptr || std::holds_alternative<std::string>(*found)) {
    warn(absl::StrCat("EarlyStoppingCallback watches ", name,
                      ", which this evaluation did not measure: it does not count, and cannot stop the run"));
    return;
  }

  // The Trainer updates best_metric after this event, so it is still the best of the evaluations before.
  const double value = number_or(*found, 0);
  const bool greater_is_better = args.greater_is_better.value_or(false);
  const bool improved =
      !state.best_metric || (is_better(value, *state.best_metric, greater_is_better) &&
                             std::abs(value - *state.best_metric) > options_.early_stopping_threshold);
  counter_ = improved ? 0 : counter_ + 1;
  if (counter_ < options_.early_stopping_patience) return;

  std::string why = absl::StrCat(name, " is ", python_float_4g(value));
  if (state.best_metric) absl::StrAppend(&why, ", the best is ", python_float_4g(*state.best_metric));
  absl::StrAppend(&why, ": no improvement");
  if (options_.early_stopping_threshold != 0) {
    absl::StrAppend(&why, " by more than ", python_float_4g(options_.early_stopping_threshold));
  }
  control.stop_training(
      absl::StrCat(why, " in ", count_of(counter_), " (", kPatience, "=", options_.early_stopping_patience, ")"));
}

CallbackState EarlyStoppingCallback::state() const {
  return {.args = {{kPatience, options_.early_stopping_patience}, {kThreshold, options_.early_stopping_threshold}},
          .attributes = {{kCounter, counter_}}};
}

void EarlyStoppingCallback::load_state(const CallbackState& state) {
  read(state.args, kPatience, options_.early_stopping_patience);
  read(state.args, kThreshold, options_.early_stopping_threshold);
  read(state.attributes, kCounter, counter_);
}

}  // namespace downbeat
