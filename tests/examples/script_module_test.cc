#include "examples/torchscript/script_module.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace torchscript {
namespace {

constexpr char kModel[] = "examples/torchscript/model.pt";

TEST(ScriptModule, HasTheParametersAndBuffersUnderTheirNamesInPython) {
  const ScriptModule model(kModel);
  const std::vector<std::string> expected = {"layers.0.weight", "layers.0.bias", "layers.3.weight", "layers.3.bias"};
  EXPECT_EQ(model.named_parameters().keys(), expected);
  EXPECT_EQ(model.named_buffers().keys(), std::vector<std::string>{"mean"});
  for (const auto& parameter : model.parameters()) EXPECT_TRUE(parameter.requires_grad());
}

TEST(ScriptModule, DropsOnlyInTraining) {
  ScriptModule model(kModel);
  const at::Tensor inputs = at::ones({4, 64});
  model.eval();
  EXPECT_TRUE(model.forward(inputs).equal(model.forward(inputs)));
  model.train();
  EXPECT_FALSE(model.forward(inputs).equal(model.forward(inputs)));
  model.eval();
  EXPECT_TRUE(model.forward(inputs).equal(model.forward(inputs)));
}

TEST(ScriptModule, ComputesWithTheParametersThatItShows) {
  ScriptModule model(kModel);
  model.eval();
  {
    const c10::NoGradGuard no_grad;
    for (at::Tensor& parameter : model.parameters()) parameter.zero_();
    model.named_parameters()["layers.3.bias"].fill_(2.0);
  }
  const at::Tensor logits = model.forward(at::ones({1, 64}));
  EXPECT_TRUE(logits.eq(2.0).all().item<bool>());
  logits.sum().backward();
  EXPECT_TRUE(model.named_parameters()["layers.3.bias"].grad().eq(1.0).all().item<bool>());
}

TEST(ScriptModule, NamesAFileThatIsMissing) {
  try {
    const ScriptModule model("nowhere.pt");
    FAIL() << "it was loaded";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "cannot read nowhere.pt: there is no such file");
  }
}

}  // namespace
}  // namespace torchscript
