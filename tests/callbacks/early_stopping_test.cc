#include "callbacks/early_stopping.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "callbacks/vocabulary/message.h"

namespace downbeat {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TrainingArguments watching(const std::string& metric, bool greater_is_better) {
  return {.eval_strategy = IntervalStrategy::epoch,
          .load_best_model_at_end = true,
          .metric_for_best_model = metric,
          .greater_is_better = greater_is_better};
}

struct Sequence {
  int64_t patience;
  double threshold;
  bool greater_is_better;
  std::vector<double> values;
  std::vector<int64_t> counters;
  std::vector<int> stops;
};
const Sequence kSequences[] = {
#include "tests/callbacks/early_stopping_counters.inc"
};

TEST(EarlyStoppingTest, CountsAndStopsAsHuggingFacesDoes) {
  for (const Sequence& expected : kSequences) {
    EarlyStoppingCallback callback(
        {.early_stopping_patience = expected.patience, .early_stopping_threshold = expected.threshold});
    const TrainingArguments args = watching("accuracy", expected.greater_is_better);
    TrainerState state;
    std::vector<int64_t> counters;
    std::vector<int> stops;
    for (const double value : expected.values) {
      TrainerControl control;
      callback.on_evaluate({{"eval_accuracy", value}}, args, state, control);
      counters.push_back(callback.counter());
      stops.push_back(control.should_training_stop);
      const double best = state.best_metric.value_or(0);
      const bool is_best = !state.best_metric || (expected.greater_is_better ? value > best : value < best);
      if (is_best) state.best_metric = value;
    }
    EXPECT_EQ(counters, expected.counters);
    EXPECT_EQ(stops, expected.stops);
  }
}

TEST(EarlyStoppingTest, SaysWhyItStops) {
  EarlyStoppingCallback callback({.early_stopping_patience = 2});
  TrainerState state;
  state.best_metric = 0.81944;
  TrainerControl control;
  callback.on_evaluate({{"eval_accuracy", 0.8125}}, watching("accuracy", true), state, control);
  EXPECT_EQ(control.stop_reason, "");
  callback.on_evaluate({{"eval_accuracy", int64_t{0}}}, watching("accuracy", true), state, control);
  EXPECT_EQ(
      control.stop_reason,
      "eval_accuracy is 0, the best is 0.8194: no improvement in 2 evaluations in a row (early_stopping_patience=2)");
  EXPECT_NE(control.stopped_by.find("EarlyStoppingCallback"), std::string::npos);
}

TEST(EarlyStoppingTest, NamesTheThresholdInItsReason) {
  EarlyStoppingCallback callback({.early_stopping_threshold = 0.02});
  TrainerState state;
  state.best_metric = 0.8;
  TrainerControl control;
  callback.on_evaluate({{"eval_accuracy", 0.81}}, watching("eval_accuracy", true), state, control);
  EXPECT_EQ(control.stop_reason,
            "eval_accuracy is 0.81, the best is 0.8: no improvement by more than 0.02 in 1 evaluation "
            "(early_stopping_patience=1)");
}

TEST(EarlyStoppingTest, FindsTheMetricWithAndWithoutItsPrefix) {
  for (const char* metric : {"loss", "eval_loss"}) {
    EarlyStoppingCallback callback;
    TrainerState state;
    state.best_metric = 1.0;
    TrainerControl control;
    callback.on_evaluate({{"loss", 0.5}, {"eval_loss", 1.5}}, watching(metric, false), state, control);
    EXPECT_EQ(callback.counter(), 1);
    EXPECT_TRUE(control.should_training_stop);
  }
}

TEST(EarlyStoppingTest, TakesALowerMetricForBetterUnlessToldOtherwise) {
  TrainingArguments args = watching("loss", false);
  args.greater_is_better.reset();
  EarlyStoppingCallback callback;
  TrainerState state;
  state.best_metric = 1.0;
  TrainerControl control;
  callback.on_evaluate({{"eval_loss", 0.5}}, args, state, control);
  EXPECT_FALSE(control.should_training_stop);
}

TEST(EarlyStoppingTest, WarnsAndDoesNothingWhenTheMetricIsMissingOrNoNumber) {
  const ScopedMessageCapture messages;
  EarlyStoppingCallback callback;
  TrainerControl control;
  callback.on_evaluate({{"eval_loss", 1.0}}, watching("accuracy", true), {}, control);
  callback.on_evaluate({{"eval_accuracy", "good"}}, watching("accuracy", true), {}, control);
  EXPECT_FALSE(control.should_training_stop);
  EXPECT_EQ(callback.counter(), 0);
  const std::string warning =
      "downbeat: warning: EarlyStoppingCallback watches eval_accuracy, which this evaluation did not measure: it does "
      "not count, and cannot stop the run";
  EXPECT_EQ(messages.lines(), (std::vector{warning, warning}));
}

TEST(EarlyStoppingTest, WarnsWhenTheBestModelIsNotLoadedAtTheEnd) {
  const ScopedMessageCapture messages;
  TrainingArguments args = watching("loss", false);
  EarlyStoppingCallback().on_train_begin(args);
  EXPECT_EQ(messages.text(), "");
  args.load_best_model_at_end = false;
  EarlyStoppingCallback().on_train_begin(args);
  EXPECT_EQ(messages.text(),
            "downbeat: warning: EarlyStoppingCallback without --load_best_model_at_end: the run ends with its last "
            "weights, not with its best\n");
}

std::string refusal_of(const TrainingArguments& args) {
  try {
    EarlyStoppingCallback().on_train_begin(args);
  } catch (const std::invalid_argument& refused) {
    return refused.what();
  }
  return "";
}

TEST(EarlyStoppingTest, RefusesToRunWithoutAMetricOrWithoutEvaluations) {
  TrainingArguments args = watching("loss", false);
  EXPECT_EQ(refusal_of(args), "");
  args.metric_for_best_model.reset();
  EXPECT_EQ(
      refusal_of(args),
      "EarlyStoppingCallback needs to know which metric to watch: set metric_for_best_model, to eval_loss for example");
  args = watching("loss", false);
  args.eval_strategy = IntervalStrategy::no;
  EXPECT_EQ(refusal_of(args),
            "EarlyStoppingCallback needs evaluations during training: set eval_strategy to steps or epoch");
}

TEST(EarlyStoppingTest, GivesItsStateInHuggingFacesLayoutAndTakesItBack) {
  EarlyStoppingCallback callback({.early_stopping_patience = 3, .early_stopping_threshold = 0.5});
  TrainerState state;
  state.best_metric = 1.0;
  TrainerControl control;
  callback.on_evaluate({{"eval_loss", 0.9}}, watching("loss", false), state, control);
  const CallbackState saved = callback.state();
  EXPECT_EQ(saved, (CallbackState{
                       .args = {{"early_stopping_patience", int64_t{3}}, {"early_stopping_threshold", 0.5}},
                       .attributes = {{"early_stopping_patience_counter", int64_t{1}}},
                   }));

  EarlyStoppingCallback restored;
  restored.load_state(saved);
  EXPECT_EQ(restored.state(), saved);
}

TEST(EarlyStoppingTest, ReadsAWholeThresholdAndKeepsWhatIsNotStored) {
  EarlyStoppingCallback callback({.early_stopping_patience = 3});
  callback.load_state({.args = {{"early_stopping_threshold", int64_t{1}}}});
  EXPECT_EQ(callback.state(), (CallbackState{
                                  .args = {{"early_stopping_patience", int64_t{3}}, {"early_stopping_threshold", 1.0}},
                                  .attributes = {{"early_stopping_patience_counter", int64_t{0}}},
                              }));
  EXPECT_THROW(callback.load_state({.args = {{"early_stopping_patience", "three"}}}), std::invalid_argument);
}

}  // namespace
}  // namespace downbeat
