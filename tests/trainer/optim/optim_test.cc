#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/normalization.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/trainer/support/tensors.h"
#include "trainer/optim/adamw.h"
#include "trainer/optim/create_optimizer.h"
#include "trainer/optim/gradients.h"
#include "trainer/optim/lambda_lr.h"
#include "trainer/optim/lr_lambda.h"

namespace downbeat {
namespace {

using testing::floats;
using testing::fractions;
using Sizes = std::vector<int64_t>;

#include "tests/trainer/optim/adamw.inc"
#include "tests/trainer/optim/clipping.inc"

// A module with one parameter of each name; the number of its elements tells them apart.
struct Named : torch::nn::Module {
  explicit Named(const std::vector<std::string>& names, int64_t first_size = 1) {
    for (const std::string& name : names) register_parameter(name, at::zeros({first_size++}));
  }
};

Sizes sizes(const ParameterGroup& group) {
  Sizes all;
  for (const at::Tensor& parameter : group.parameters) all.push_back(parameter.numel());
  return all;
}

const TrainingArguments kArguments{.learning_rate = 0.25, .weight_decay = 0.5};

TEST(ParameterGroups, AreTwoOfWhichOneHasNoDecay) {
  const Named model({"weight", "bias"});
  const auto groups = parameter_groups(model, kArguments);
  ASSERT_EQ(groups.size(), 2);
  EXPECT_EQ(sizes(groups[0]), (Sizes{1}));
  EXPECT_EQ(sizes(groups[1]), (Sizes{2}));
  EXPECT_EQ(groups[0].weight_decay, 0.5);
  EXPECT_EQ(groups[1].weight_decay, 0.0);
  EXPECT_EQ(groups[0].lr, 0.25);
  EXPECT_EQ(groups[1].lr, 0.25);
}

TEST(ParameterGroups, KnowBiasesAndNormsByTheirNames) {
  //                  1       2         3               4             5       6          7              8
  const Named model({"bias", "in_Bias", "LayerNormGain", "my_rmsnorm", "norm", "q_norm", "normalizer", "norm_gain"});
  const auto groups = parameter_groups(model, kArguments);
  EXPECT_EQ(sizes(groups[1]), (Sizes{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(sizes(groups[0]), (Sizes{7, 8})) << "norm counts alone or at the end of a component only";
}

TEST(ParameterGroups, LookAtEveryComponentOfADottedName) {
  Named model({"weight"});
  model.register_module("norm", std::make_shared<Named>(std::vector<std::string>{"weight"}, 10));
  model.register_module("input_norm", std::make_shared<Named>(std::vector<std::string>{"gain"}, 20));
  model.register_module("normal", std::make_shared<Named>(std::vector<std::string>{"weight"}, 30));
  model.register_module("unbiased", std::make_shared<Named>(std::vector<std::string>{"weight"}, 40));
  const auto groups = parameter_groups(model, kArguments);
  EXPECT_EQ(sizes(groups[0]), (Sizes{1, 30}));
  EXPECT_EQ(sizes(groups[1]), (Sizes{10, 20, 40})) << "bias counts anywhere, in unbiased too, as in HuggingFace";
}

TEST(ParameterGroups, LeaveALayerNormWithoutDecayWhateverItIsCalled) {
  Named model({"weight"});
  model.register_module("scale", torch::nn::LayerNorm(torch::nn::LayerNormOptions({7})));
  const auto groups = parameter_groups(model, kArguments);
  EXPECT_EQ(sizes(groups[0]), (Sizes{1}));
  EXPECT_EQ(sizes(groups[1]), (Sizes{7, 7}));
}

TEST(ParameterGroups, HoldATiedParameterOnceAndInTheGroupOfItsFirstName) {
  const auto embedding = std::make_shared<Named>(std::vector<std::string>{"weight"}, 5);
  Named model({"weight"});
  model.register_module("embedding", embedding);
  model.register_module("head_norm", embedding);
  const auto groups = parameter_groups(model, kArguments);
  EXPECT_EQ(sizes(groups[0]), (Sizes{1, 5}));
  EXPECT_EQ(sizes(groups[1]), Sizes{});
}

TEST(ParameterGroups, LeaveOutWhatIsFrozen) {
  Named model({"frozen", "weight", "bias"});
  model.named_parameters()["frozen"].set_requires_grad(false);
  model.named_parameters()["bias"].set_requires_grad(false);
  const auto groups = parameter_groups(model, kArguments);
  EXPECT_EQ(sizes(groups[0]), (Sizes{2}));
  EXPECT_EQ(sizes(groups[1]), Sizes{});
}

at::Tensor parameter(int64_t size) { return fractions(size, size).set_requires_grad(true); }

TEST(FusedAdamW, IsPythonsToTheLastBitAlsoForAParameterWhoseFirstGradientComesLate) {
  at::Tensor first = parameter(9), late = parameter(4), bias = parameter(3);
  AdamW optimizer({{.parameters = {first, late}, .lr = 0.05, .weight_decay = 0.1},
                   {.parameters = {bias}, .lr = 0.05, .weight_decay = 0.0}},
                  {.beta1 = 0.8, .beta2 = 0.95, .eps = 1e-6});
  LambdaLR schedule(optimizer, lr_lambda({.warmup_steps = 2}, 5), /*is_function=*/false);
  for (int64_t step = 0; step < 5; ++step) {
    EXPECT_EQ(schedule.last_lr(), kLearningRates[step]);
    first.mutable_grad() = fractions(9, step + 20);
    bias.mutable_grad() = fractions(3, step + 30);
    if (step >= 2) late.mutable_grad() = fractions(4, step + 40);
    optimizer.step();
    schedule.step();
    optimizer.zero_grad();
  }
  EXPECT_EQ(floats(first), floats(kFirst));
  EXPECT_EQ(floats(late), floats(kLate));
  EXPECT_EQ(floats(bias), floats(kBias));
}

TEST(FusedAdamW, LeavesAParameterWithoutGradientAloneDespiteItsDecay) {
  at::Tensor weight = parameter(4);
  AdamW optimizer({{.parameters = {weight}, .lr = 0.5, .weight_decay = 0.5}}, {});
  optimizer.step();
  EXPECT_EQ(floats(weight), floats(fractions(4, 4)));
}

TEST(Optimizer, ZeroGradTakesTheGradientsAway) {
  at::Tensor weight = parameter(4);
  AdamW optimizer({{.parameters = {weight}, .lr = 0.5, .weight_decay = 0.0}}, {});
  weight.mutable_grad() = fractions(4);
  optimizer.zero_grad();
  EXPECT_FALSE(weight.grad().defined());
}

TEST(CreateOptimizer, TakesTheNumbersOfTheArguments) {
  at::Tensor by_arguments = parameter(4), by_hand = parameter(4);
  Named model({});
  model.register_parameter("weight", by_arguments);
  const auto optimizer = create_optimizer(
      model, {.learning_rate = 0.1, .weight_decay = 0.2, .adam_beta1 = 0.5, .adam_beta2 = 0.75, .adam_epsilon = 0.125});
  AdamW same({{.parameters = {by_hand}, .lr = 0.1, .weight_decay = 0.2}}, {.beta1 = 0.5, .beta2 = 0.75, .eps = 0.125});
  for (int64_t step = 0; step < 3; ++step) {
    by_arguments.mutable_grad() = fractions(4, step);
    by_hand.mutable_grad() = fractions(4, step);
    optimizer->step();
    same.step();
  }
  EXPECT_EQ(floats(by_arguments), floats(by_hand));
  EXPECT_NE(floats(by_arguments), floats(fractions(4, 4)));
}

TEST(ClipGradNorm, IsPyTorchsToTheLastBit) {
  const std::vector<at::Tensor> gradients = {fractions(9, 1), fractions(4, 2).view({2, 2}), fractions(1, 3)};
  const GradientNorm norm = clip_grad_norm_(gradients, 1.0);
  EXPECT_EQ(norm.value(), kNorm);
  EXPECT_EQ(floats(at::cat({gradients[0], gradients[1].flatten(), gradients[2]})), floats(kClipped));
}

TEST(ClipGradNorm, LeavesShortGradientsAndThoseWithoutALimitAlone) {
  for (const double limit : {1000.0, 0.0, -1.0}) {
    const std::vector<at::Tensor> gradients = {fractions(9, 1)};
    EXPECT_EQ(clip_grad_norm_(gradients, limit).total.item<float>(), fractions(9, 1).norm().item<float>());
    EXPECT_EQ(floats(gradients[0]), floats(fractions(9, 1))) << "max_grad_norm " << limit;
  }
}

TEST(ClipGradNorm, OfNoGradientsIsZero) { EXPECT_EQ(clip_grad_norm_({}, 1.0).value(), 0); }

TEST(ClipGradNorm, OfANaNIsNaN) {
  const std::vector<at::Tensor> gradients = {fractions(2), at::ones({1}) * std::numeric_limits<float>::quiet_NaN()};
  EXPECT_TRUE(std::isnan(clip_grad_norm_(gradients, 1.0).value()));
}

struct Schedule {
  int64_t warmup, max_steps;
  std::vector<double> rates;
};
const Schedule kSchedules[] = {
#include "tests/trainer/optim/linear_schedules.inc"
};

TEST(LinearSchedule, IsHuggingFacesToTheLastBitBeyondItsEndToo) {
  for (const Schedule& c : kSchedules) {
    AdamW optimizer({{.parameters = {}, .lr = 0.003, .weight_decay = 0}}, {});
    LambdaLR schedule(optimizer, lr_lambda({.warmup_steps = static_cast<double>(c.warmup)}, c.max_steps), false);
    for (const double rate : c.rates) {
      EXPECT_EQ(schedule.last_lr(), rate) << c.warmup << " of " << c.max_steps;
      schedule.step();
    }
  }
}

TEST(LinearSchedule, SetsEveryGroupToItsOwnRate) {
  AdamW optimizer({{.parameters = {}, .lr = 1.0, .weight_decay = 0}, {.parameters = {}, .lr = 3.0, .weight_decay = 0}},
                  {});
  LambdaLR schedule(optimizer, lr_lambda({}, 4), /*is_function=*/false);
  schedule.step();
  EXPECT_EQ(optimizer.param_groups()[0].lr, 0.75);
  EXPECT_EQ(optimizer.param_groups()[1].lr, 2.25);
}

}  // namespace
}  // namespace downbeat
