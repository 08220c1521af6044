#include "trainer/loop_rules.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>

namespace downbeat {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct PlanCase {
  int64_t batches, gradient_accumulation_steps;
  double num_train_epochs;
  int64_t max_steps;
  int64_t expected_steps, expected_epochs;
};

TEST(PlanOf, CountsStepsAndEpochsAsHuggingFace) {
  constexpr PlanCase kCases[] = {
      // batches, accumulation, epochs, max_steps -> steps, epochs
      {10, 1, 3.0, -1, 30, 3},
      {10, 4, 3.0, -1, 9, 3},   // the last step of an epoch has two substeps
      {10, 16, 3.0, -1, 3, 3},  // more than an epoch has: one step an epoch
      {10, 10, 2.0, -1, 2, 2},  //
      {10, 1, 2.5, -1, 25, 3},  // half an epoch is one that is left early
      {10, 3, 2.5, -1, 10, 3},  //
      {90, 1, 0.3, -1, 27, 1},  //
      {7, 2, 0.1, -1, 1, 1},    //
      {10, 1, 0.0, -1, 0, 0},   //
      {10, 1, 3.0, 25, 25, 3},  // max_steps wins
      {10, 1, 9.0, 5, 5, 1},    //
      {10, 4, 1.0, 7, 7, 3},    //
      {10, 1, 3.0, 0, 30, 3},   // 0 is not given
      {1, 1, 1.0, 1000, 1000, 1000},
      {0, 1, 3.0, -1, 3, 3},  // nothing but a dropped last batch: HuggingFace counts a step an epoch
  };
  for (const PlanCase& c : kCases) {
    const Plan plan = plan_of({.num_train_epochs = c.num_train_epochs,
                               .max_steps = c.max_steps,
                               .gradient_accumulation_steps = c.gradient_accumulation_steps},
                              c.batches);
    SCOPED_TRACE(std::to_string(c.batches) + " batches, accumulation " + std::to_string(c.gradient_accumulation_steps) +
                 ", epochs " + std::to_string(c.num_train_epochs));
    EXPECT_EQ(plan.max_steps, c.expected_steps);
    EXPECT_EQ(plan.num_train_epochs, c.expected_epochs);
  }
}

TEST(WithAbsoluteIntervals, TurnsSharesIntoStepsAndLeavesTheRest) {
  const TrainingArguments args =
      with_absolute_intervals({.logging_steps = 0.12, .eval_steps = 0.5, .save_steps = 1}, 27);
  EXPECT_EQ(args.logging_steps, 4);
  EXPECT_EQ(args.eval_steps, 14);
  EXPECT_EQ(args.save_steps, 1);
  EXPECT_FALSE(with_absolute_intervals({}, 27).eval_steps.has_value());
}

TrainingArguments watching(const std::string& metric, bool greater_is_better) {
  return {.metric_for_best_model = metric, .greater_is_better = greater_is_better};
}

TEST(NoteBestMetric, DoesNothingWithoutAMetricToWatch) {
  TrainerState state;
  EXPECT_FALSE(note_best_metric({}, {{"eval_loss", 1.0}}, state));
  EXPECT_EQ(state.best_metric, std::nullopt);
}

TEST(NoteBestMetric, TakesTheFirstEvaluationAndThenOnlyStrictlyBetterOnes) {
  TrainerState state;
  const TrainingArguments args = watching("loss", false);
  state.global_step = 5;
  EXPECT_TRUE(note_best_metric(args, {{"eval_loss", 1.0}}, state));
  state.global_step = 10;
  EXPECT_FALSE(note_best_metric(args, {{"eval_loss", 1.0}}, state));
  EXPECT_EQ(state.best_global_step, 5);
  EXPECT_TRUE(note_best_metric(args, {{"eval_loss", 0.5}}, state));
  EXPECT_EQ(state.best_global_step, 10);
  EXPECT_EQ(state.best_metric, 0.5);
}

TEST(NoteBestMetric, LooksUpwardsWhenGreaterIsBetterAndKnowsTheNameWithItsPrefixToo) {
  TrainerState state;
  EXPECT_TRUE(note_best_metric(watching("eval_accuracy", true), {{"eval_accuracy", int64_t{1}}}, state));
  EXPECT_FALSE(note_best_metric(watching("accuracy", true), {{"eval_accuracy", 0.5}}, state));
  EXPECT_EQ(state.best_metric, 1.0);
}

TEST(NoteBestMetric, NeverTakesNaNButKeepsWorseThanEverythingAsHuggingFace) {
  TrainerState lower, greater;
  EXPECT_FALSE(note_best_metric(watching("loss", false), {{"eval_loss", kNaN}}, lower));
  EXPECT_EQ(lower.best_metric, kInfinity);
  EXPECT_FALSE(note_best_metric(watching("f1", true), {{"eval_f1", kNaN}}, greater));
  EXPECT_EQ(greater.best_metric, -kInfinity);
  EXPECT_EQ(greater.best_global_step, std::nullopt);
}

TEST(NoteBestMetric, NotesNoStepWhenNothingIsSaved) {
  TrainerState state;
  TrainingArguments args = watching("loss", false);
  args.save_strategy = SaveStrategy::no;
  EXPECT_TRUE(note_best_metric(args, {{"eval_loss", 1.0}}, state));
  EXPECT_EQ(state.best_metric, 1.0);
  EXPECT_EQ(state.best_global_step, std::nullopt);
}

TEST(NoteBestMetric, NamesWhatThereIsWhenTheMetricIsAbsent) {
  TrainerState state;
  try {
    note_best_metric(watching("f1", true), {{"eval_loss", 1.0}, {"eval_accuracy", 0.5}}, state);
    FAIL() << "nothing was thrown";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(),
                 "metric_for_best_model=f1 is not among the metrics of the evaluation: eval_loss, eval_accuracy");
  }
}

TrainerState at_step(int64_t step, int64_t max_steps) {
  TrainerState state;
  state.global_step = step;
  state.max_steps = max_steps;
  return state;
}

TEST(RunEndOf, IsCompletedWhenAllStepsAreDone) {
  TrainerControl control;
  control.should_training_stop = true;  // as DefaultFlowCallback sets it
  const RunEnd end = run_end_of(at_step(10, 10), control, /*interrupted=*/false);
  EXPECT_EQ(end.how, RunEnd::How::kCompleted);
  EXPECT_EQ(end.reason, "");
}

TEST(RunEndOf, IsStoppedWithReasonAndCulpritBeforeTheLastStep) {
  TrainerControl control;
  control.stop_training("the loss is low");
  const RunEnd end = run_end_of(at_step(4, 10), control, /*interrupted=*/false);
  EXPECT_EQ(end.how, RunEnd::How::kStopped);
  EXPECT_EQ(end.reason, "the loss is low");
  EXPECT_NE(end.by.find("IsStoppedWithReason"), std::string::npos) << end.by;
}

TEST(RunEndOf, IsInterruptedWhereverTheRunWas) {
  TrainerControl control;
  control.stop_training("interrupted by SIGINT");
  control.stopped_by = "SIGINT";
  const RunEnd end = run_end_of(at_step(10, 10), control, /*interrupted=*/true);
  EXPECT_EQ(end.how, RunEnd::How::kInterrupted);
  EXPECT_EQ(end.by, "SIGINT");
}

TEST(FailedRunEnd, HasTheTextOfTheExceptionAndTheEventItCameFrom) {
  const RunEnd end = failed_run_end(std::make_exception_ptr(std::runtime_error("no more disk")), {"on_save"});
  EXPECT_EQ(end.how, RunEnd::How::kFailed);
  EXPECT_EQ(end.reason, "no more disk");
  EXPECT_EQ(end.by, "on_save");
}

TEST(FailedRunEnd, SaysSoWhenWhatWasThrownHasNoText) {
  EXPECT_EQ(failed_run_end(std::make_exception_ptr(42), {}).reason, "something that is no std::exception was thrown");
}

TEST(StateOf, HasTheFiveFlagsOfTheControl) {
  TrainerControl control;
  control.should_save = true;
  const CallbackState state = state_of(control);
  EXPECT_EQ(state.args.size(), 5);
  EXPECT_EQ(std::get<bool>(state.args.at("should_save")), true);
  EXPECT_EQ(std::get<bool>(state.args.at("should_log")), false);
  EXPECT_TRUE(state.attributes.empty());
}

}  // namespace
}  // namespace downbeat
