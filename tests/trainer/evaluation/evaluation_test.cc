#include "trainer/evaluation/evaluation.h"

#include <ATen/ops/scalar_tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/trainer/support/tensors.h"

namespace downbeat {
namespace {

using testing::floats;
using testing::fractions;
using testing::int64s;
using testing::integers;

at::Tensor loss_of(double value) { return at::scalar_tensor(value, at::kFloat); }

std::vector<std::string> names(const Metrics& metrics) {
  std::vector<std::string> all;
  for (const auto& item : metrics) all.push_back(item.first);
  return all;
}

TEST(Accuracy, IsTheShareOfRowsWhoseLargestLogitIsAtTheLabel) {
  const EvalPrediction prediction{.predictions = fractions(12).view({4, 3}), .label_ids = int64s({1, 0, 1, 0})};
  // fractions(12) rows: {-2.5, 2.125, 1.625}, {1.125, 0.625, 0.125}, {-0.375, -0.875, -1.375}, {-1.875, -2.375, 2.25}
  EXPECT_EQ(accuracy(prediction), (Metrics{{"accuracy", 0.5}}));
}

TEST(Evaluation, CountsTheMeanOfABatchOnceForEachOfItsSamples) {
  Evaluation evaluation;
  evaluation.add({.loss = loss_of(1.0)}, 3);
  evaluation.add({.loss = loss_of(5.0)}, 1);
  EXPECT_EQ(evaluation.mean_loss(true), 2.0);
}

TEST(Evaluation, HasNoLossWhereTheModelGivesNone) {
  Evaluation evaluation;
  evaluation.add({.logits = fractions(4).view({2, 2})}, 2);
  EXPECT_EQ(evaluation.mean_loss(true), std::nullopt);
}

TEST(Evaluation, LeavesOutWhatIsNotFiniteUnlessNothingIs) {
  Evaluation some, none;
  some.add({.loss = loss_of(3.0)}, 2);
  some.add({.loss = loss_of(std::numeric_limits<double>::infinity())}, 2);
  none.add({.loss = loss_of(std::nan(""))}, 2);
  EXPECT_EQ(some.mean_loss(/*nan_inf_filter=*/true), 3.0);
  EXPECT_TRUE(std::isinf(*some.mean_loss(/*nan_inf_filter=*/false)));
  EXPECT_TRUE(std::isnan(*none.mean_loss(/*nan_inf_filter=*/true)));
}

TEST(Evaluation, RoundsALossInFloat64ToFloat32) {
  Evaluation evaluation;
  evaluation.add({.loss = at::scalar_tensor(0.1, at::kDouble)}, 1);
  EXPECT_EQ(evaluation.mean_loss(true), static_cast<double>(0.1F));
}

TEST(Evaluation, FillsShorterSequencesUpWithMinus100) {
  Evaluation evaluation;
  evaluation.add({.logits = fractions(2, 1).view({1, 2}), .labels = int64s({3, 4}).view({1, 2})}, 1);
  evaluation.add({.logits = fractions(3, 2).view({1, 3}), .labels = int64s({5, 6, 7}).view({1, 3})}, 1);
  const EvalPrediction prediction = evaluation.prediction();
  EXPECT_EQ(integers(prediction.label_ids.view({-1})), (std::vector<int64_t>{3, 4, -100, 5, 6, 7}));
  EXPECT_EQ(prediction.predictions[0][2].item<double>(), -100.0);
}

TEST(Evaluation, GivesEachSampleTheLossOfItsBatch) {
  Evaluation evaluation;
  evaluation.add({.loss = loss_of(1.0)}, 2);
  evaluation.add({.loss = loss_of(5.0)}, 1);
  EXPECT_EQ(floats(evaluation.prediction().losses), (std::vector<float>{1.0F, 1.0F, 5.0F}));
}

TEST(Evaluation, JoinsTheBatchesInTheirOrder) {
  Evaluation evaluation;
  evaluation.add({.logits = fractions(4, 1).view({2, 2}), .labels = int64s({3, 4})}, 2);
  evaluation.add({.logits = fractions(2, 2).view({1, 2}), .labels = int64s({5})}, 1);
  const EvalPrediction prediction = evaluation.prediction();
  EXPECT_EQ(prediction.predictions.sizes(), (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(floats(prediction.predictions[2]), floats(fractions(2, 2)));
  EXPECT_EQ(integers(prediction.label_ids), (std::vector<int64_t>{3, 4, 5}));
}

TEST(Evaluation, OfNothingHasUndefinedPredictions) {
  EXPECT_FALSE(Evaluation().prediction().predictions.defined());
  EXPECT_FALSE(Evaluation().prediction().label_ids.defined());
}

TEST(PrefixedMetrics, StandInHuggingFacesOrder) {
  const Metrics computed{{"accuracy", 0.5}, {"eval_f1", 0.25}, {"evaluations", int64_t{3}}};
  const Metrics metrics = prefixed_metrics(computed, 1.5, "eval");
  EXPECT_EQ(names(metrics), (std::vector<std::string>{"eval_f1", "eval_loss", "eval_accuracy", "eval_evaluations"}));
  EXPECT_EQ(metrics.at("eval_accuracy"), 0.5);
  EXPECT_EQ(metrics.at("eval_loss"), 1.5);
}

TEST(PrefixedMetrics, LeaveTheLossOutWhereThereIsNone) {
  EXPECT_EQ(names(prefixed_metrics({{"accuracy", 0.5}}, std::nullopt, "test")),
            (std::vector<std::string>{"test_accuracy"}));
}

struct Rounded {
  double value, four_digits, three_digits;
};
constexpr Rounded kRounded[] = {
#include "tests/trainer/evaluation/python_rounded.inc"
};

TEST(AddSpeedMetrics, RoundsAsPythonsRoundDoesOnTiesToo) {
  for (const Rounded& c : kRounded) {
    Metrics metrics;
    add_speed_metrics(metrics, "eval", c.value, 0, 0);
    EXPECT_EQ(metrics.at("eval_runtime"), c.four_digits) << c.value;
    Metrics in_one_second;
    add_speed_metrics(in_one_second, "eval", 1.0, c.value, 0);
    EXPECT_EQ(in_one_second.at("eval_samples_per_second"), c.three_digits) << c.value;
  }
}

TEST(AddSpeedMetrics, HasThreeLinesInHuggingFacesOrder) {
  Metrics metrics;
  add_speed_metrics(metrics, "test", 4.0, 10, 3);
  EXPECT_EQ(metrics,
            (Metrics{{"test_runtime", 4.0}, {"test_samples_per_second", 2.5}, {"test_steps_per_second", 0.75}}));
}

TEST(AddSpeedMetrics, GivesARateOfZeroForNothingAndNoRateForNoTime) {
  Metrics nothing, no_time;
  add_speed_metrics(nothing, "train", 2.0, 0, 0);
  EXPECT_EQ(nothing,
            (Metrics{{"train_runtime", 2.0}, {"train_samples_per_second", 0.0}, {"train_steps_per_second", 0.0}}));
  add_speed_metrics(no_time, "train", 0.0, 10, 3);
  EXPECT_EQ(no_time, (Metrics{{"train_runtime", 0.0}}));
}

}  // namespace
}  // namespace downbeat
