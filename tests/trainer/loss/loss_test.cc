#include <ATen/TensorOperators.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/scalar_tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/trainer/support/tensors.h"
#include "trainer/loss/compute_loss.h"
#include "trainer/loss/running_loss.h"

namespace downbeat {
namespace {

using testing::fractions;
using testing::int64s;

#include "tests/trainer/loss/losses.inc"

const at::Tensor& logits() {
  static const at::Tensor all = fractions(12).view({4, 3});
  return all;
}

TEST(CrossEntropy, IsPyTorchsMeanAndIgnoresMinusOneHundred) {
  EXPECT_FLOAT_EQ(cross_entropy(logits(), int64s({0, 2, 1, 2})).item<float>(), kCrossEntropy);
  EXPECT_FLOAT_EQ(cross_entropy(logits(), int64s({0, -100, 1, -100})).item<float>(), kCrossEntropyIgnoring);
}

TEST(LabelSmoothedCrossEntropy, IsHuggingFacesLabelSmoother) {
  const at::Tensor labels = int64s({0, 2, 1, 2});
  EXPECT_FLOAT_EQ(label_smoothed_cross_entropy(logits(), labels, 0.1).item<float>(), kSmoothed);
  EXPECT_FLOAT_EQ(label_smoothed_cross_entropy(logits(), labels, 0.5).item<float>(), kHalfSmoothed);
}

TEST(LabelSmoothedCrossEntropy, AveragesOverTheLabelsThatAreNotIgnored) {
  const at::Tensor labels = int64s({0, -100, 1, -100});
  EXPECT_FLOAT_EQ(label_smoothed_cross_entropy(logits(), labels, 0.1).item<float>(), kSmoothedIgnoring);
  EXPECT_EQ(labels.select(0, 1).item<int64_t>(), -100) << "the labels are not changed";
}

TEST(LabelSmoothedCrossEntropy, TakesALabelForEachPlaceOfASequence) {
  const at::Tensor sequences = fractions(30, 1).view({2, 3, 5});
  const at::Tensor tokens = int64s({1, -100, 4, 0, 2, -100}).view({2, 3});
  EXPECT_FLOAT_EQ(label_smoothed_cross_entropy(sequences, tokens, 0.1).item<float>(), kSmoothedSequences);
}

at::Tensor mean_error(const at::Tensor& outputs, const at::Tensor& labels) { return at::mse_loss(outputs, labels); }

TEST(ComputeLoss, IsEmptyUntilAFunctionIsGiven) {
  EXPECT_FALSE(ComputeLoss());
  EXPECT_TRUE(ComputeLoss(mean_error));
}

TEST(ComputeLoss, TakesAMeanAndSaysSo) {
  const ComputeLoss loss = [](const at::Tensor& outputs, const at::Tensor& labels) {
    return mean_error(outputs, labels);
  };
  EXPECT_FALSE(loss.counts_items());
  EXPECT_EQ(loss(fractions(4), fractions(4), 99).item<float>(), 0);
}

TEST(ComputeLoss, PassesTheNumberOfItemsToAFunctionThatAsksForIt) {
  const ComputeLoss loss = [](const at::Tensor& outputs, const at::Tensor&, int64_t items) {
    return outputs.sum() / items;
  };
  EXPECT_TRUE(loss.counts_items());
  EXPECT_EQ(loss(at::scalar_tensor(6.0), {}, 3).item<double>(), 2);
}

TEST(ComputeLoss, CallsAFunctionThatCanBothAsAMean) {
  const ComputeLoss loss = [](const at::Tensor& outputs, const at::Tensor&, int64_t items = 1) {
    return outputs.sum() / items;
  };
  EXPECT_FALSE(loss.counts_items());
  EXPECT_EQ(loss(at::scalar_tensor(6.0), {}, 3).item<double>(), 6);
}

TEST(ComputeLoss, RecognisesCrossEntropyAmongFunctions) {
  EXPECT_TRUE(ComputeLoss(cross_entropy).is_cross_entropy());
  EXPECT_TRUE(ComputeLoss(&cross_entropy).is_cross_entropy());
  EXPECT_FALSE(ComputeLoss(mean_error).is_cross_entropy());
  EXPECT_FALSE(ComputeLoss().is_cross_entropy());
}

at::Tensor loss_of(double value, at::ScalarType type = at::kFloat) { return at::scalar_tensor(value, type); }

TEST(RunningLoss, AddsInFloat32AndBeginsAnew) {
  RunningLoss sum;
  sum.add(loss_of(16777216.0), 0, true);
  sum.add(loss_of(1.0), 0, true);
  EXPECT_EQ(sum.take(), 16777216.0) << "one more has no place in a float32";
  sum.add(loss_of(0.5), 0, true);
  EXPECT_EQ(sum.take(), 0.5);
  EXPECT_EQ(sum.take(), 0);
}

TEST(RunningLoss, CountsALossThatIsNotFiniteAsTheMeanSoFar) {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
      RunningLoss sum;
      sum.add(loss_of(3.0, type), 0, true);
      sum.add(loss_of(bad, type), /*steps=*/2, true);
      EXPECT_EQ(sum.take(), 4.0) << "3 and a third of 3";
    }
  }
}

TEST(RunningLoss, NeverRecoversFromNaNWithoutTheFilter) {
  RunningLoss sum;
  sum.add(loss_of(std::nan("")), 0, false);
  EXPECT_TRUE(std::isnan(sum.take()));
  sum.add(loss_of(1.0), 0, false);
  EXPECT_TRUE(std::isnan(sum.take()));
}

TEST(RunningLoss, RoundsTheSumWithAFloat64LossOnce) {
  // 1 + (2^-24 + 2^-50) lies just above the middle of two float32; the loss alone rounds to 2^-24, and the sum to 1.
  RunningLoss sum;
  sum.add(loss_of(1.0, at::kDouble), 0, true);
  sum.add(loss_of(0x1p-24 + 0x1p-50, at::kDouble), 0, true);
  EXPECT_EQ(sum.take(), 1.0 + 0x1p-23);
}

TEST(RunningLoss, CountsAFiniteFloat64LossThatIsTooLargeForFloat32AsItIs) {
  RunningLoss sum;
  sum.add(loss_of(1e300, at::kDouble), 0, true);
  EXPECT_TRUE(std::isinf(sum.take()));
}

}  // namespace
}  // namespace downbeat
