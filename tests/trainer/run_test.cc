// What happens during a run: events and who hears them, control, exceptions, and how runs end.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "callbacks/vocabulary/message.h"
#include "tests/trainer/support/tensors.h"
#include "tests/trainer/support/tiny.h"

namespace downbeat {
namespace {

using testing::floats;
using testing::fractions;
using testing::int64s;
using testing::Moment;
using testing::tiny_arguments;
using testing::tiny_set;
using testing::TinyRun;
using Strings = std::vector<std::string>;

std::vector<float> weights(const TinyRun& run) {
  return floats(at::cat({run.model->weight.flatten(), run.model->bias}));
}

// Notes the events of a run.
Strings& note_events(TinyRun& run, Strings& events) {
  run.hear([&](const Moment& moment) { events.push_back(moment.event); });
  return events;
}

// What the first and the last of a run are told of its end.
std::optional<RunEnd> end_of(TinyRun& run, const std::function<void(const Moment&)>& also) {
  std::optional<RunEnd> end;
  run.hear([&](const Moment& moment) {
    if (moment.end) {
      EXPECT_FALSE(end.has_value()) << "on_train_end is heard once";
      end = *moment.end;
    }
    also(moment);
  });
  return (void(run.trainer.train()), end);
}

TEST(Train, FiresTheEventsOfAStepInHuggingFacesOrder) {
  TinyRun run({.max_steps = 1});
  Strings events;
  note_events(run, events);
  run.trainer.train();
  EXPECT_EQ(events, (Strings{"on_train_begin", "on_epoch_begin", "on_step_begin", "on_substep_begin",
                             "on_gradients_ready", "on_pre_optimizer_step", "on_optimizer_step", "on_step_end",
                             "on_epoch_end", "on_log", "on_train_end"}));
}

TEST(Train, FiresTheEventsOfSubstepsAndOfAnEvaluation) {
  TinyRun run({.num_train_epochs = 1, .gradient_accumulation_steps = 2, .eval_strategy = IntervalStrategy::epoch});
  Strings events;
  note_events(run, events);
  run.trainer.train();
  EXPECT_EQ(events, (Strings{"on_train_begin", "on_epoch_begin", "on_step_begin", "on_substep_begin", "on_substep_end",
                             "on_substep_begin", "on_gradients_ready", "on_pre_optimizer_step", "on_optimizer_step",
                             "on_step_end", "on_epoch_end", "on_evaluate_begin", "on_prediction_step", "on_log",
                             "on_evaluate", "on_log", "on_train_end"}));
}

TEST(Train, ReturnsStepsLossAndMetrics) {
  TinyRun run({.max_steps = 3, .logging_steps = 1});
  const TrainOutput out = run.trainer.train();
  EXPECT_EQ(out.global_step, 3);
  EXPECT_EQ(out.training_loss, out.metrics.at("train_loss"));
  double sum = 0;
  for (std::size_t i = 0; i < 3; ++i) sum += run.trainer.state().log_history[i].at("loss");
  EXPECT_EQ(out.training_loss, sum / 3);
  EXPECT_EQ(out.metrics.at("epoch"), 1.5);
  EXPECT_EQ(run.trainer.state().log_history.size(), 4);
}

TEST(Train, BeginsAtStepZeroTheSecondTimeAndGoesOnWithTheWeights) {
  TinyRun run({.max_steps = 3, .logging_steps = 1});
  run.trainer.train();
  const std::vector<float> after_the_first = weights(run);
  std::vector<int64_t> steps;
  std::vector<float> at_begin;
  run.hear([&](const Moment& moment) {
    if (moment.event == "on_train_begin") at_begin = weights(run);
    if (moment.event == "on_step_end") steps.push_back(moment.state.global_step);
  });
  EXPECT_EQ(run.trainer.train().global_step, 3);
  EXPECT_EQ(steps, (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(at_begin, after_the_first);
  EXPECT_EQ(run.trainer.state().log_history.size(), 4) << "the history is that of the second run";
}

TEST(Train, GivesTheSameWeightsForTheSameArgumentsAndOthersForAnotherOrder) {
  TinyRun a({.max_steps = 3}), b({.max_steps = 3}), c({.max_steps = 3, .data_seed = 7});
  for (TinyRun* run : {&a, &b, &c}) run->trainer.train();
  EXPECT_EQ(weights(a), weights(b));
  EXPECT_NE(weights(a), weights(c));
}

TEST(Hooks, GetModelOptimizerScheduleBatchGradientsAndNormWhereTheyAreProvided) {
  TinyRun run({.max_steps = 1, .learning_rate = 0.5});
  run.hear([&](const Moment& moment) {
    SCOPED_TRACE(moment.event);
    EXPECT_EQ(&moment.model, run.model.get());
    ASSERT_NE(moment.optimizer, nullptr);
    ASSERT_NE(moment.lr_scheduler, nullptr);
    EXPECT_EQ(moment.batch != nullptr, moment.event == "on_substep_begin");
    EXPECT_EQ(moment.norm != nullptr, moment.event == "on_pre_optimizer_step" || moment.event == "on_optimizer_step");
    EXPECT_EQ(moment.gradients != nullptr, moment.norm != nullptr || moment.event == "on_gradients_ready");
    EXPECT_EQ(moment.changeable_logs != nullptr, moment.event == "on_log");
    if (moment.batch) {
      EXPECT_EQ(moment.batch->inputs.size(0), 4);
    }
    if (moment.gradients) {
      EXPECT_EQ(moment.gradients->names, (Strings{"weight", "bias"}));
    }
    if (moment.event == "on_train_begin") {
      EXPECT_EQ(moment.lr_scheduler->last_lr(), 0.5);
      EXPECT_EQ(moment.optimizer->param_groups().size(), 2);
    }
  });
  run.trainer.train();
}

TEST(Hooks, SeeTheGradientsBeforeClippingAndTheirNormAfterwards) {
  TinyRun run({.max_steps = 1, .max_grad_norm = 0.125});
  double before = 0, after = 0, norm = 0;
  const auto length = [](const Gradients& gradients) {
    return at::cat({gradients.tensors[0].flatten(), gradients.tensors[1]}).norm().item<double>();
  };
  run.hear([&](const Moment& moment) {
    if (moment.event == "on_gradients_ready") before = length(*moment.gradients);
    if (moment.event == "on_pre_optimizer_step") after = length(*moment.gradients), norm = moment.norm->value();
  });
  run.trainer.train();
  EXPECT_GT(before, 0.125);
  EXPECT_NEAR(norm, before, 1e-6);
  EXPECT_NEAR(after, 0.125, 1e-4);
}

TEST(Hooks, ChangeTheStepByChangingTheGradients) {
  TinyRun run({.max_steps = 1, .learning_rate = 0.5});
  const std::vector<float> before = weights(run);
  run.hear([](const Moment& moment) {
    if (moment.event != "on_gradients_ready") return;
    for (const at::Tensor& gradient : moment.gradients->tensors) gradient.zero_();
  });
  run.trainer.train();
  EXPECT_EQ(weights(run), before);
  EXPECT_EQ(run.trainer.state().global_step, 1);
}

TEST(Hooks, ChangeTheBatchBeforeItsForward) {
  TinyRun plain({.max_steps = 1, .logging_steps = 1}), changed({.max_steps = 1, .logging_steps = 1});
  changed.hear([](const Moment& moment) {
    if (moment.batch) moment.batch->inputs = moment.batch->inputs * 2;
  });
  plain.trainer.train();
  changed.trainer.train();
  EXPECT_NE(plain.trainer.state().log_history[0].at("loss"), changed.trainer.state().log_history[0].at("loss"));
}

TEST(Hooks, AddToTheLogsThatLaterOnesSeeButNotToTheHistory) {
  TinyRun run({.max_steps = 1, .logging_steps = 1});
  run.hear([](const Moment& moment) {
    if (moment.changeable_logs) (*moment.changeable_logs)["mine"] = 1.0;
  });
  const TrainOutput out = run.trainer.train();
  EXPECT_FALSE(run.trainer.state().log_history[0].contains("mine"));
  EXPECT_EQ(out.metrics.at("mine"), 1.0) << "train() returns what on_log was given, as in HuggingFace";
}

TEST(Hooks, SeeSharesOfAllStepsWorkedOut) {
  TinyRun run({.max_steps = 10, .logging_steps = 0.25, .eval_strategy = IntervalStrategy::steps});
  run.hear([](const Moment& moment) {
    EXPECT_EQ(moment.args.logging_steps, 3);
    EXPECT_EQ(moment.args.eval_steps, 3);
  });
  run.trainer.train();
  EXPECT_EQ(run.trainer.state().logging_steps, 3);
  EXPECT_EQ(run.trainer.args().eval_steps, 3);
}

struct WantsModule {
  void on_init_end(const torch::nn::Module& model) { at_init = &model; }
  void on_step_end(torch::nn::Module& model, testing::Tiny& same, const Optimizer& optimizer) {
    EXPECT_EQ(&model, &same);
    at_step = &model;
    groups = optimizer.param_groups().size();
  }
  const torch::nn::Module* at_init = nullptr;
  const torch::nn::Module* at_step = nullptr;
  std::size_t groups = 0;
};

TEST(Hooks, MayAskForTheModelAsAModule) {
  const auto model = std::make_shared<testing::Tiny>();
  Trainer trainer(model, tiny_arguments({.max_steps = 1}), tiny_set(4), Callbacks(WantsModule{}));
  trainer.compute_loss_func = cross_entropy;
  EXPECT_EQ(trainer.callbacks().get<WantsModule>().at_init, model.get());
  trainer.train();
  EXPECT_EQ(trainer.callbacks().get<WantsModule>().at_step, model.get());
  EXPECT_EQ(trainer.callbacks().get<WantsModule>().groups, 2);
}

void own_handler(int) {}

TEST(Train, PutsTheSignalHandlersBackAlsoWhenItThrows) {
  struct sigaction own = {}, before, during, after;
  own.sa_handler = own_handler;
  sigaction(SIGINT, &own, &before);
  TinyRun run({.max_steps = 2});
  run.model->throw_at_forward = 1;
  run.hear([&](const Moment& moment) {
    if (moment.event == "on_step_end") sigaction(SIGINT, nullptr, &during);
  });
  EXPECT_THROW(run.trainer.train(), std::domain_error);
  sigaction(SIGINT, &before, &after);
  EXPECT_NE(during.sa_handler, own_handler);
  EXPECT_EQ(after.sa_handler, own_handler);
}

// --- How a run ends ---

TEST(RunEnd, IsCompletedWhenAllStepsAreDone) {
  TinyRun run({.max_steps = 3});
  const std::optional<RunEnd> end = end_of(run, [](const Moment&) {});
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->how, RunEnd::How::kCompleted);
  EXPECT_EQ(end->reason, "");
}

TEST(RunEnd, IsStoppedWithReasonAndByWhom) {
  TinyRun run({.max_steps = 30});
  const std::optional<RunEnd> end = end_of(run, [](const Moment& moment) {
    if (moment.event == "on_step_end" && moment.state.global_step == 2) moment.control.stop_training("enough");
  });
  EXPECT_EQ(end->how, RunEnd::How::kStopped);
  EXPECT_EQ(end->reason, "enough");
  EXPECT_NE(end->by.find("RunEnd_IsStoppedWithReasonAndByWhom"), std::string::npos) << end->by;
  EXPECT_EQ(run.trainer.state().global_step, 2);
}

TEST(RunEnd, HasNoReasonOfAnEarlierRun) {
  TinyRun run({.max_steps = 4});
  end_of(run, [](const Moment& moment) {
    if (moment.event == "on_step_end") moment.control.stop_training("enough");
  });
  const std::optional<RunEnd> end = end_of(run, [](const Moment& moment) {
    if (moment.event == "on_step_end") moment.control.should_training_stop = true;
  });
  EXPECT_EQ(end->how, RunEnd::How::kStopped);
  EXPECT_EQ(end->reason, "");
  EXPECT_EQ(end->by, "");
}

struct MyError : std::runtime_error {
  using std::runtime_error::runtime_error;
  int detail = 7;
};

// The run throws MyError at the first `where`.
struct Broken {
  explicit Broken(const std::string& where, TrainingArguments args = {})
      : run([&] {
          args.max_steps = 2;
          args.gradient_accumulation_steps = 2;
          args.logging_steps = 1;
          args.eval_strategy = IntervalStrategy::steps;
          return args;
        }()) {
    run.hear([this, where](const Moment& moment) {
      events.push_back(moment.event);
      if (moment.exception) from = std::string(moment.from->name);
      if (moment.end) end = *moment.end;
      if (moment.event == where && !thrown) {
        thrown = true;
        throw MyError("broken in " + where);
      }
    });
  }

  TinyRun run;
  Strings events;
  bool thrown = false;
  std::optional<std::string> from;
  std::optional<RunEnd> end;
};

class ExceptionOfAHook : public ::testing::TestWithParam<const char*> {};

TEST_P(ExceptionOfAHook, IsHeardByOnExceptionThenOnTrainEndAndReachesTheCallerAsItIs) {
  Broken broken(GetParam());
  try {
    broken.run.trainer.train();
    FAIL() << "nothing was thrown";
  } catch (const MyError& error) {
    EXPECT_EQ(error.what(), std::string("broken in ") + GetParam());
    EXPECT_EQ(error.detail, 7);
  }
  EXPECT_EQ(broken.from, GetParam());
  ASSERT_TRUE(broken.end.has_value());
  EXPECT_EQ(broken.end->how, RunEnd::How::kFailed);
  EXPECT_EQ(broken.end->reason, std::string("broken in ") + GetParam());
  EXPECT_EQ(broken.end->by, GetParam());
  ASSERT_GE(broken.events.size(), 3);
  EXPECT_EQ(*(broken.events.end() - 3), GetParam());
  EXPECT_EQ(*(broken.events.end() - 2), "on_exception");
  EXPECT_EQ(broken.events.back(), "on_train_end");
}

INSTANTIATE_TEST_SUITE_P(EveryEventBeforeTheEnd, ExceptionOfAHook,
                         ::testing::Values("on_train_begin", "on_epoch_begin", "on_step_begin", "on_substep_begin",
                                           "on_substep_end", "on_gradients_ready", "on_pre_optimizer_step",
                                           "on_optimizer_step", "on_step_end", "on_log", "on_evaluate_begin",
                                           "on_prediction_step", "on_evaluate", "on_epoch_end"));

TEST(ExceptionOfOnTrainEnd, IsHeardByOnExceptionAndNotByASecondOnTrainEnd) {
  Broken broken("on_train_end");
  EXPECT_THROW(broken.run.trainer.train(), MyError);
  EXPECT_EQ(broken.from, "on_train_end");
  EXPECT_EQ(broken.end->how, RunEnd::How::kCompleted);
  EXPECT_EQ(std::count(broken.events.begin(), broken.events.end(), "on_train_end"), 1);
  EXPECT_EQ(broken.events.back(), "on_exception");
}

TEST(ExceptionOfTheModel, ComesFromNoEvent) {
  TinyRun run({.max_steps = 3});
  run.model->throw_at_forward = 1;
  std::optional<std::string> from;
  std::optional<RunEnd> end;
  run.hear([&](const Moment& moment) {
    if (moment.exception) from = std::string(moment.from->name);
    if (moment.end) end = *moment.end;
  });
  EXPECT_THROW(run.trainer.train(), std::domain_error);
  EXPECT_EQ(from, "");
  EXPECT_EQ(end->reason, "the model broke");
  EXPECT_EQ(end->by, "");
  EXPECT_EQ(run.trainer.state().global_step, 1);
}

TEST(ExceptionOfTheModel, LeavesATrainerThatCanTrainAgain) {
  TinyRun broken({.max_steps = 3}), whole({.max_steps = 3});
  broken.model->throw_at_forward = 0;
  EXPECT_THROW(broken.trainer.train(), std::domain_error);
  set_seed(42);
  broken.trainer.train();
  set_seed(42);
  whole.trainer.train();
  EXPECT_EQ(weights(broken), weights(whole));
}

TEST(ExceptionInsideOnExceptionOrOnTrainEnd, IsDroppedForTheFirstOne) {
  TinyRun run({.max_steps = 3});
  Strings events;
  run.hear([&](const Moment& moment) {
    if (moment.event == "on_step_end") throw MyError("the first");
    if (moment.exception || moment.end) {
      events.push_back(moment.event);
      throw std::logic_error("one more");
    }
  });
  try {
    run.trainer.train();
    FAIL() << "nothing was thrown";
  } catch (const MyError& error) {
    EXPECT_STREQ(error.what(), "the first");
  }
  EXPECT_EQ(events, (Strings{"on_exception", "on_train_end"}));
}

struct ThrowsAtTheEnd {
  void on_exception() { throw std::logic_error("in on_exception"); }
  void on_train_end() { throw std::logic_error("in on_train_end"); }
};
struct HearsTheEnd {
  void on_exception() { ++exceptions; }
  void on_train_end() { ++ends; }
  int exceptions = 0, ends = 0;
};

TEST(ExceptionInsideOnTrainEnd, LetsTheOthersRunAndLeavesWhenItIsTheFirst) {
  const auto model = std::make_shared<testing::Tiny>();
  Trainer trainer(model, tiny_arguments({.max_steps = 1}), tiny_set(4), Callbacks(ThrowsAtTheEnd{}, HearsTheEnd{}));
  trainer.compute_loss_func = cross_entropy;
  const HearsTheEnd& later = trainer.callbacks().get<HearsTheEnd>();
  try {
    trainer.train();
    FAIL() << "nothing was thrown";
  } catch (const std::logic_error& error) {
    EXPECT_STREQ(error.what(), "in on_train_end");
  }
  EXPECT_EQ(later.ends, 1);
  EXPECT_EQ(later.exceptions, 1);
  model->throw_at_forward = model->forwards;
  EXPECT_THROW(trainer.train(), std::domain_error);
  EXPECT_EQ(later.ends, 2);
  EXPECT_EQ(later.exceptions, 2);
}

TEST(ExceptionOfAManualEvaluate, HasNoOnExceptionAsNoRunEnds) {
  TinyRun run({});
  Strings events;
  run.hear([&](const Moment& moment) {
    events.push_back(moment.event);
    if (moment.event == "on_evaluate") throw MyError("no");
  });
  EXPECT_THROW(run.trainer.evaluate(), MyError);
  EXPECT_EQ(events.back(), "on_evaluate");
}

// --- Evaluation ---

TEST(Evaluate, LogsItsMetricsInHuggingFacesOrderAndThenFiresOnEvaluate) {
  TinyRun run({.max_steps = 1, .eval_strategy = IntervalStrategy::steps, .eval_steps = 1});
  run.trainer.train();
  Strings events, names;
  note_events(run, events);
  for (const auto& item : run.trainer.evaluate()) names.push_back(item.first);
  EXPECT_EQ(events, (Strings{"on_evaluate_begin", "on_prediction_step", "on_log", "on_evaluate"}));
  EXPECT_EQ(names, (Strings{"eval_loss", "eval_accuracy", "eval_runtime", "eval_samples_per_second",
                            "eval_steps_per_second", "epoch"}));
}

TEST(Evaluate, TellsHowLongTheModelTookOnlyBeforeAnyTraining) {
  TinyRun run({.max_steps = 1});
  EXPECT_TRUE(run.trainer.evaluate().contains("eval_model_preparation_time"));
  TinyRun trained({.max_steps = 1});
  trained.trainer.train();
  EXPECT_FALSE(trained.trainer.evaluate().contains("eval_model_preparation_time"));
}

TEST(Evaluate, RunsTheModelInEvaluationModeAndTrainsOnInTrainingMode) {
  TinyRun run({.max_steps = 2, .eval_strategy = IntervalStrategy::steps, .eval_steps = 1});
  run.trainer.train();
  EXPECT_EQ(run.model->was_training_at_forward, (std::vector<bool>{true, false, true, false}));
}

TEST(Evaluate, ChangesNeitherWeightsNorStepsNorGradients) {
  TinyRun run({.max_steps = 2});
  run.trainer.train();
  const std::vector<float> before = weights(run);
  run.trainer.evaluate();
  EXPECT_EQ(weights(run), before);
  EXPECT_FALSE(run.model->weight.grad().defined());
  EXPECT_EQ(run.trainer.state().global_step, 2);
}

TEST(Evaluate, TakesAnotherSetForOnce) {
  TinyRun run({});
  const double own = run.trainer.evaluate().at("eval_loss");
  const double other = run.trainer.evaluate(tiny_set(5, 9)).at("eval_loss");
  EXPECT_NE(own, other);
  EXPECT_EQ(run.trainer.evaluate().at("eval_loss"), own);
}

TEST(Evaluate, IsTheWeightedMeanOverBatches) {
  TinyRun one({.per_device_eval_batch_size = 100}), several({.per_device_eval_batch_size = 2});
  EXPECT_NEAR(one.trainer.evaluate(tiny_set(7)).at("eval_loss"), several.trainer.evaluate(tiny_set(7)).at("eval_loss"),
              1e-6);
}

TEST(Evaluate, ComputesNothingButTheLossWithPredictionLossOnly) {
  TinyRun run({.prediction_loss_only = true});
  run.trainer.compute_metrics = [](const EvalPrediction&) -> Metrics { throw std::logic_error("not called"); };
  const Metrics metrics = run.trainer.evaluate();
  EXPECT_TRUE(metrics.contains("eval_loss"));
  EXPECT_FALSE(metrics.contains("eval_accuracy"));
}

TEST(Evaluate, GivesComputeMetricsWhatPreprocessingLeftOfTheLogits) {
  TinyRun run({.per_device_eval_batch_size = 2});
  run.trainer.preprocess_logits_for_metrics = [](const at::Tensor& logits, const at::Tensor& labels) {
    EXPECT_EQ(logits.size(0), labels.size(0));
    return logits.argmax(-1);
  };
  run.trainer.compute_metrics = [](const EvalPrediction& prediction) -> Metrics {
    return {{"rank", prediction.predictions.dim()}, {"rows", prediction.predictions.size(0)}};
  };
  const Metrics metrics = run.trainer.evaluate();
  EXPECT_EQ(metrics.at("eval_rank"), 1);
  EXPECT_EQ(metrics.at("eval_rows"), 3);
}

TEST(Evaluate, ShowsHooksHowFarItIs) {
  struct Progress {
    void on_evaluate_begin(const PredictionProgress& progress) { all.push_back(progress); }
    void on_prediction_step(const PredictionProgress& progress) { all.push_back(progress); }
    std::vector<PredictionProgress> all;
  };
  Trainer trainer(std::make_shared<testing::Tiny>(), tiny_arguments({.per_device_eval_batch_size = 2}), tiny_set(4),
                  tiny_set(3), Callbacks(Progress{}));
  trainer.compute_loss_func = cross_entropy;
  trainer.evaluate();
  const auto& all = trainer.callbacks().get<Progress>().all;
  ASSERT_EQ(all.size(), 3);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(all[i].batch, static_cast<int64_t>(i));
    EXPECT_EQ(all[i].batches, 2);
  }
}

TEST(Predict, ReturnsLogitsLabelsAndMetricsOfTestAndLogsNothing) {
  TinyRun run({.max_steps = 1});
  run.trainer.train();
  const std::size_t lines = run.trainer.state().log_history.size();
  Strings events;
  note_events(run, events);
  const PredictionOutput output = run.trainer.predict(tiny_set(5));
  EXPECT_EQ(output.predictions.sizes(), (std::vector<int64_t>{5, 3}));
  EXPECT_EQ(testing::integers(output.label_ids), (std::vector<int64_t>{0, 1, 2, 0, 1}));
  EXPECT_TRUE(output.metrics.contains("test_loss"));
  EXPECT_TRUE(output.metrics.contains("test_accuracy"));
  EXPECT_FALSE(output.metrics.contains("epoch"));
  EXPECT_EQ(events, (Strings{"on_predict_begin", "on_prediction_step", "on_predict"}));
  EXPECT_EQ(run.trainer.state().log_history.size(), lines);
}

TEST(Predict, ReturnsLogitsWithoutComputeMetricsAndWithoutLabels) {
  TinyRun run({});
  run.trainer.compute_metrics = nullptr;
  EXPECT_EQ(run.trainer.predict(tiny_set(5)).predictions.size(0), 5);
  const PredictionOutput unlabelled = run.trainer.predict(TensorDataset(fractions(8).view({4, 2})));
  EXPECT_EQ(unlabelled.predictions.size(0), 4);
  EXPECT_FALSE(unlabelled.label_ids.defined());
  EXPECT_FALSE(unlabelled.metrics.contains("test_loss"));
}

TEST(Predict, InInferenceModeGivesTheSameNumbersAsOrdinaryTensors) {
  TinyRun run({.max_steps = 1});
  run.trainer.compute_metrics = accuracy;
  const PredictionOutput expected = run.trainer.predict(tiny_set(5));
  run.trainer.inference_mode = true;
  const PredictionOutput output = run.trainer.predict(tiny_set(5));
  EXPECT_EQ(floats(output.predictions), floats(expected.predictions));
  EXPECT_EQ(output.metrics.value_or("test_loss", 0.0), expected.metrics.value_or("test_loss", 1.0));
  EXPECT_FALSE(output.predictions.is_inference());
  EXPECT_FALSE(output.label_ids.is_inference());
  EXPECT_EQ(run.trainer.train().global_step, 1);
}

TEST(Predict, InInferenceModeRunsTheModelWithoutVersionsOfItsTensors) {
  TinyRun run({.max_steps = 1});
  std::vector<bool> is_inference;
  run.trainer.preprocess_logits_for_metrics = [&](const at::Tensor& logits, const at::Tensor&) {
    return is_inference.push_back(logits.is_inference()), logits;
  };
  run.trainer.predict(tiny_set(2));
  run.trainer.inference_mode = true;
  run.trainer.predict(tiny_set(2));
  EXPECT_EQ(is_inference, (std::vector<bool>{false, true}));
}

TEST(Predict, ReturnsNoLogitsWithPredictionLossOnly) {
  TinyRun run({.prediction_loss_only = true});
  const PredictionOutput output = run.trainer.predict(tiny_set(5));
  EXPECT_FALSE(output.predictions.defined());
  EXPECT_TRUE(output.metrics.contains("test_loss"));
}

// --- The loss ---

// The weights after one step of two substeps.
std::vector<float> after_one_step(TrainingArguments args, const ComputeLoss& loss) {
  args.max_steps = 1;
  args.gradient_accumulation_steps = 2;
  args.learning_rate = 0.5;
  args.max_grad_norm = 0;
  TinyRun run(args);
  run.trainer.compute_loss_func = loss;
  std::vector<float> gradients;
  run.hear([&](const Moment& moment) {
    if (moment.event == "on_gradients_ready") gradients = floats(moment.gradients->tensors[0]);
  });
  run.trainer.train();
  return gradients;
}

TEST(Loss, OfAMeanIsDividedByTheSubsteps) {
  const auto mean = after_one_step({}, cross_entropy);
  const auto twice = after_one_step(
      {}, [](const at::Tensor& logits, const at::Tensor& labels) { return 2 * cross_entropy(logits, labels); });
  const auto in_one_batch = [] {
    TinyRun run({.per_device_train_batch_size = 8 + 1, .max_steps = 1, .max_grad_norm = 0});
    std::vector<float> gradients;
    run.hear([&](const Moment& moment) {
      if (moment.event == "on_gradients_ready") gradients = floats(moment.gradients->tensors[0]);
    });
    run.trainer.train();
    return gradients;
  }();
  ASSERT_EQ(mean.size(), 6);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_NEAR(mean[i], in_one_batch[i], 1e-6);
    EXPECT_NEAR(2 * mean[i], twice[i], 1e-6);
  }
}

TEST(Loss, ThatCountsItemsGetsThoseOfTheWholeStepAndIsNotDivided) {
  std::vector<int64_t> items;
  const auto mean = after_one_step({}, cross_entropy);
  const auto counted = after_one_step({}, [&](const at::Tensor& logits, const at::Tensor& labels, int64_t in_step) {
    items.push_back(in_step);
    return cross_entropy(logits, labels) * labels.size(0) / in_step;
  });
  EXPECT_EQ(items, (std::vector<int64_t>{8, 8}));
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(mean[i], counted[i], 1e-6);
}

TEST(Loss, CountsOnlyLabelsThatAreNotIgnored) {
  std::vector<int64_t> items;
  Trainer trainer(std::make_shared<testing::Tiny>(), tiny_arguments({.max_steps = 1}),
                  TensorDataset(fractions(8).view({4, 2}), int64s({0, -100, 1, -100})));
  trainer.compute_loss_func = [&](const at::Tensor& logits, const at::Tensor& labels, int64_t in_step) {
    items.push_back(in_step);
    return cross_entropy(logits, labels);
  };
  trainer.train();
  EXPECT_EQ(items, (std::vector<int64_t>{2}));
}

TEST(Loss, OfCrossEntropyIsSmoothedInTrainingAndEvaluation) {
  TinyRun plain({.max_steps = 1, .logging_steps = 1});
  TinyRun smoothed({.max_steps = 1, .label_smoothing_factor = 0.5, .logging_steps = 1});
  EXPECT_NE(plain.trainer.evaluate().at("eval_loss"), smoothed.trainer.evaluate().at("eval_loss"));
  plain.trainer.train();
  smoothed.trainer.train();
  EXPECT_NE(plain.trainer.state().log_history[0].at("loss"), smoothed.trainer.state().log_history[0].at("loss"));
}

TEST(Loss, OfOnesOwnFunctionIsNotSmoothed) {
  const ComputeLoss own = [](const at::Tensor& logits, const at::Tensor& labels) {
    return cross_entropy(logits, labels);
  };
  EXPECT_EQ(after_one_step({.label_smoothing_factor = 0.5}, own), after_one_step({}, own));
}

TEST(Loss, OfANaNIsFilteredFromTheLogsOnly) {
  TinyRun run({.max_steps = 3, .logging_steps = 3});
  int calls = 0;
  run.trainer.compute_loss_func = [&](const at::Tensor& logits, const at::Tensor& labels) {
    const at::Tensor loss = cross_entropy(logits, labels);
    return ++calls == 2 ? loss + std::nan("") : loss;
  };
  run.trainer.train();
  EXPECT_TRUE(std::isfinite(run.trainer.state().log_history[0].at("loss")));
}

// --- Log ---

TEST(Log, AddsEpochAndStepAndIsHeard) {
  TinyRun run({.max_steps = 2});
  Strings heard;
  run.hear([&](const Moment& moment) {
    if (moment.event == "on_log" && moment.logs->contains("mine")) heard.push_back("mine");
  });
  run.trainer.log({{"mine", 1.0}});
  EXPECT_EQ(run.trainer.state().log_history[0], (Logs{{"mine", 1.0}, {"epoch", int64_t{0}}, {"step", int64_t{0}}}));
  run.trainer.train();
  run.trainer.log({{"mine", 2.0}});
  EXPECT_EQ(run.trainer.state().log_history.back(), (Logs{{"mine", 2.0}, {"epoch", 1.0}, {"step", int64_t{2}}}));
  EXPECT_EQ(heard.size(), 2);
}

TEST(Train, EvaluatesOnStartAndKeepsNoBestMetricOfIt) {
  TinyRun run({.max_steps = 2,
               .eval_strategy = IntervalStrategy::epoch,
               .eval_on_start = true,
               .metric_for_best_model = "loss"});
  std::vector<std::optional<double>> best;
  run.hear([&](const Moment& moment) {
    if (moment.event == "on_evaluate") best.push_back(moment.state.best_metric);
  });
  run.trainer.train();
  EXPECT_EQ(best, (std::vector<std::optional<double>>{std::nullopt, std::nullopt}));
  EXPECT_TRUE(run.trainer.state().best_metric.has_value());
}

TEST(Train, ThrowsASentenceWhenTheMetricForTheBestModelIsNotThere) {
  TinyRun run({.max_steps = 2, .eval_strategy = IntervalStrategy::epoch, .metric_for_best_model = "f1"});
  try {
    run.trainer.train();
    FAIL() << "nothing was thrown";
  } catch (const std::invalid_argument& error) {
    EXPECT_TRUE(
        std::string(error.what())
            .starts_with(
                "metric_for_best_model=f1 is not among the metrics of the evaluation: eval_loss, eval_accuracy"))
        << error.what();
  }
}

}  // namespace
}  // namespace downbeat
