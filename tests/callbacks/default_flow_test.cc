#include "callbacks/default_flow.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace downbeat {
namespace {

struct Asked {
  bool stop = false, save = false, evaluate = false, log = false;
  bool operator==(const Asked&) const = default;
};
constexpr Asked kNothing = {};

Asked asked(const TrainerControl& control) {
  EXPECT_FALSE(control.should_epoch_stop);
  return {control.should_training_stop, control.should_save, control.should_evaluate, control.should_log};
}

Asked at_step(int64_t step, const TrainingArguments& args, const TrainerState& planned) {
  TrainerState state = planned;
  state.global_step = step;
  TrainerControl control;
  DefaultFlowCallback().on_step_end(args, state, control);
  return asked(control);
}

Asked at_epoch(double epoch, const TrainingArguments& args) {
  TrainerState state;
  state.epoch = epoch;
  TrainerControl control;
  DefaultFlowCallback().on_epoch_end(args, state, control);
  return asked(control);
}

TrainerState planned(int64_t max_steps, int64_t logging_steps, int64_t eval_steps, int64_t save_steps) {
  TrainerState state;
  state.max_steps = max_steps;
  state.logging_steps = logging_steps;
  state.eval_steps = eval_steps;
  state.save_steps = save_steps;
  return state;
}

const TrainingArguments kBySteps = {.logging_strategy = IntervalStrategy::steps,
                                    .eval_strategy = IntervalStrategy::steps,
                                    .save_strategy = SaveStrategy::steps};
const TrainingArguments kByEpochs = {.logging_strategy = IntervalStrategy::epoch,
                                     .eval_strategy = IntervalStrategy::epoch,
                                     .save_strategy = SaveStrategy::epoch};
const TrainingArguments kNever = {
    .logging_strategy = IntervalStrategy::no, .eval_strategy = IntervalStrategy::no, .save_strategy = SaveStrategy::no};

TEST(DefaultFlowTest, AsksAtTheMultiplesOfEachInterval) {
  const TrainerState plan = planned(100, 2, 3, 5);
  EXPECT_EQ(at_step(1, kBySteps, plan), kNothing);
  EXPECT_EQ(at_step(2, kBySteps, plan), (Asked{.log = true}));
  EXPECT_EQ(at_step(3, kBySteps, plan), (Asked{.evaluate = true}));
  EXPECT_EQ(at_step(5, kBySteps, plan), (Asked{.save = true}));
  EXPECT_EQ(at_step(30, kBySteps, plan), (Asked{.save = true, .evaluate = true, .log = true}));
}

TEST(DefaultFlowTest, AsksForNothingAtStepsWhenTheStrategyIsAnother) {
  const TrainerState plan = planned(100, 1, 1, 1);
  EXPECT_EQ(at_step(1, kByEpochs, plan), kNothing);
  EXPECT_EQ(at_step(1, kNever, plan), kNothing);
}

TEST(DefaultFlowTest, AsksAtTheEndOfAnEpochWhenTheStrategyIsEpoch) {
  EXPECT_EQ(at_epoch(1, kByEpochs), (Asked{.save = true, .evaluate = true, .log = true}));
  EXPECT_EQ(at_epoch(1, kBySteps), kNothing);
  EXPECT_EQ(at_epoch(1, kNever), kNothing);
}

TEST(DefaultFlowTest, LeavesSavingTheBestToTheEvaluation) {
  const TrainingArguments args{.logging_strategy = IntervalStrategy::no, .save_strategy = SaveStrategy::best};
  EXPECT_EQ(at_epoch(1, args), kNothing);
  EXPECT_EQ(at_step(100, args, planned(100, 1, 1, 1)), (Asked{.stop = true}));
}

TEST(DefaultFlowTest, LogsTheFirstStepOnRequestWhateverTheStrategy) {
  TrainingArguments args = kNever;
  args.logging_first_step = true;
  EXPECT_EQ(at_step(1, args, planned(100, 10, 10, 10)), (Asked{.log = true}));
  EXPECT_EQ(at_step(2, args, planned(100, 10, 10, 10)), kNothing);
}

TEST(DefaultFlowTest, EvaluatesNotBeforeTheDelay) {
  TrainingArguments args = kBySteps;
  args.eval_delay = 3;
  EXPECT_EQ(at_step(2, args, planned(100, 50, 1, 50)), kNothing);
  EXPECT_EQ(at_step(3, args, planned(100, 50, 1, 50)), (Asked{.evaluate = true}));
  EXPECT_EQ(at_step(2, args, planned(2, 50, 7, 50)), (Asked{.stop = true, .save = true}));

  args = kByEpochs;
  args.eval_delay = 1.5;
  EXPECT_EQ(at_epoch(1, args), (Asked{.save = true, .log = true}));
  EXPECT_EQ(at_epoch(2, args), (Asked{.save = true, .evaluate = true, .log = true}));
}

TEST(DefaultFlowTest, StopsAtMaxStepsAndEvaluatesAndSavesOnceMoreWithoutALog) {
  EXPECT_EQ(at_step(20, kBySteps, planned(20, 500, 500, 500)), (Asked{.stop = true, .save = true, .evaluate = true}));
  EXPECT_EQ(at_step(21, kBySteps, planned(20, 500, 500, 500)), (Asked{.stop = true, .save = true, .evaluate = true}));
  EXPECT_EQ(at_step(20, kByEpochs, planned(20, 500, 500, 500)), (Asked{.stop = true}));
}

TEST(DefaultFlowTest, KnowsNoLimitWhenMaxStepsIsNegative) {
  EXPECT_EQ(at_step(1'000'000'007, kBySteps, planned(-1, 10, 10, 10)), kNothing);
}

TEST(DefaultFlowTest, NeverAsksByAnIntervalOfZero) { EXPECT_EQ(at_step(1, kBySteps, planned(100, 0, 0, 0)), kNothing); }

TEST(DefaultFlowTest, TakesNothingBackThatAnotherCallbackAskedFor) {
  TrainerControl control;
  control.should_epoch_stop = control.should_log = true;
  DefaultFlowCallback().on_step_end(kNever, planned(100, 1, 1, 1), control);
  EXPECT_TRUE(control.should_epoch_stop && control.should_log);
}

}  // namespace
}  // namespace downbeat
