#include "trainer/checkpoint/state_dict.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>

#include <memory>
#include <string>
#include <vector>

#include "callbacks/vocabulary/message.h"
#include "tests/trainer/support/tensors.h"

namespace downbeat {
namespace {

using testing::floats;
using testing::fractions;
using Names = std::map<std::string, std::string>;

struct Model : torch::nn::Module {
  Model() {
    weight = register_parameter("weight", at::zeros({2, 3}));
    bias = register_parameter("bias", at::zeros({2}));
    mean = register_buffer("mean", at::zeros({2}));
    register_buffer("absent", at::Tensor());
  }
  at::Tensor weight, bias, mean;
};

StateDict filled() {
  return {{"weight", fractions(6).view({2, 3})}, {"bias", fractions(2, 1)}, {"mean", fractions(2, 2)}};
}

TEST(StateDict, HasParametersAndDefinedBuffersByTheirDottedNames) {
  Model outer;
  outer.register_module("inner", std::make_shared<Model>());
  std::vector<std::string> names;
  for (const auto& item : state_dict(outer)) names.push_back(item.first);
  EXPECT_EQ(names, (std::vector<std::string>{"bias", "inner.bias", "inner.mean", "inner.weight", "mean", "weight"}));
  EXPECT_TRUE(state_dict(outer).at("weight").is_same(outer.weight)) << "the tensors are the model's own";
}

TEST(LoadStateDict, CopiesIntoTheModelsOwnTensors) {
  Model model;
  const at::Tensor weight = model.weight;
  ASSERT_TRUE(load_state_dict(model, filled(), /*strict=*/true).ok());
  EXPECT_EQ(floats(weight), floats(fractions(6)));
  EXPECT_EQ(floats(model.mean), floats(fractions(2, 2)));
  EXPECT_TRUE(model.weight.requires_grad());
}

TEST(LoadStateDict, ConvertsTheTypeOfTheElements) {
  Model model;
  StateDict tensors = filled();
  tensors["bias"] = tensors["bias"].to(at::kDouble);
  ASSERT_TRUE(load_state_dict(model, tensors, /*strict=*/true).ok());
  EXPECT_EQ(model.bias.scalar_type(), at::kFloat);
  EXPECT_EQ(floats(model.bias), floats(fractions(2, 1)));
}

TEST(LoadStateDict, RefusesAShapeThatDoesNotFitAndChangesNothing) {
  Model model;
  StateDict tensors = filled();
  tensors["weight"] = fractions(6).view({3, 2});
  for (const bool strict : {true, false}) {
    EXPECT_EQ(load_state_dict(model, tensors, strict).message(),
              "weight has shape [3, 2] in the file but [2, 3] in the model");
  }
  EXPECT_EQ(floats(model.bias), floats(at::zeros({2})));
}

TEST(LoadStateDict, RefusesMissingAndUnexpectedNamesWhenItIsStrict) {
  Model model;
  StateDict tensors = filled();
  tensors.erase("bias");
  tensors.erase("mean");
  EXPECT_EQ(load_state_dict(model, tensors, /*strict=*/true).message(), "the file lacks bias, mean");
  tensors = filled();
  tensors["more"] = fractions(1);
  EXPECT_EQ(load_state_dict(model, tensors, /*strict=*/true).message(), "the file has unexpected more");
  EXPECT_EQ(floats(model.weight), floats(at::zeros({6}))) << "nothing was changed";
}

TEST(LoadStateDict, OnlyWarnsOfThemOtherwiseAndLoadsTheRest) {
  Model model;
  StateDict tensors = filled();
  tensors.erase("bias");
  tensors["more"] = fractions(1);
  const ScopedMessageCapture messages;
  ASSERT_TRUE(load_state_dict(model, tensors, /*strict=*/false).ok());
  EXPECT_EQ(messages.lines(), (std::vector<std::string>{"downbeat: warning: the file lacks bias",
                                                        "downbeat: warning: the file has unexpected more"}));
  EXPECT_EQ(floats(model.weight), floats(fractions(6)));
}

// One tensor by two names, as an embedding and the layer that leads back to its words.
struct TiedModel : torch::nn::Module {
  TiedModel() {
    weight = register_parameter("weight", at::zeros({2, 3}));
    register_parameter("also_weight", weight);
    bias = register_parameter("bias", at::zeros({2}));
  }
  at::Tensor weight, bias;
};

TEST(LoadStateDict, NeedsOneNameOfTiedWeights) {
  for (const char* name : {"weight", "also_weight"}) {
    TiedModel model;
    const StateDict tensors = {{name, fractions(6).view({2, 3})}, {"bias", fractions(2)}};
    EXPECT_TRUE(load_state_dict(model, tensors, /*strict=*/true).ok()) << name;
    EXPECT_EQ(floats(model.weight), floats(fractions(6))) << name;
  }
  TiedModel model;
  EXPECT_EQ(load_state_dict(model, {{"bias", fractions(2)}}, /*strict=*/true).message(),
            "the file lacks also_weight, weight");
}

TEST(TiedNames, AreAllButTheFirstOfEachTensor) {
  TiedModel outer;
  outer.register_module("inner", std::make_shared<TiedModel>());
  EXPECT_EQ(tied_names(state_dict(outer)), (Names{{"weight", "also_weight"}, {"inner.weight", "inner.also_weight"}}));
}

TEST(TiedNames, AreNotThoseOfTensorsThatOnlyOverlapOrHaveNoData) {
  const at::Tensor whole = fractions(6);
  EXPECT_EQ(tied_names({{"half", whole.narrow(0, 0, 3)},
                        {"other_half", whole.narrow(0, 3, 3)},
                        {"other_shape", whole.view({2, 3})},
                        {"other_order", whole.view({3, 2}).t()},
                        {"other_type", whole.view(at::kInt)},
                        {"whole", whole}}),
            Names{});
  const at::Tensor empty = at::empty({0}), meta = at::empty({2}, at::TensorOptions(at::kMeta));
  EXPECT_EQ(
      tied_names({{"a", empty}, {"b", empty}, {"c", meta}, {"d", meta}, {"e", at::Tensor()}, {"f", at::Tensor()}}),
      Names{});
}

}  // namespace
}  // namespace downbeat
