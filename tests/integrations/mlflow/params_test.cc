#include "integrations/mlflow/params.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "callbacks/vocabulary/message.h"
#include "tests/integrations/support/scripted_run.h"

namespace downbeat {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class MLflowParamsTest : public ::testing::Test {
 protected:
  // The params of a model with this configuration.
  MLflowParams params(const char* config, const MLflowParamsOptions& options = {}) {
    ScriptedModel model;
    model.json = {{"config", nlohmann::ordered_json::parse(config)}};
    return mlflow_params(args_, &model, options);
  }

  static std::string value(const MLflowParams& all, const std::string& name) {
    const auto found =
        std::find_if(all.params.begin(), all.params.end(), [&](const auto& each) { return each.first == name; });
    return found == all.params.end() ? "(none)" : found->second;
  }

  TrainingArguments args_;
  ScopedMessageCapture messages_;
};

TEST_F(MLflowParamsTest, AreTheConfigurationThenTheArguments) {
  const MLflowParams all = params(R"({"hidden": 4, "learning_rate": 1})");
  EXPECT_THAT(all.params.front(), Pair("hidden", "4"));
  EXPECT_EQ(value(all, "learning_rate"), "5e-05");
  EXPECT_EQ(value(all, "bf16"), "False");
  EXPECT_EQ(value(all, "run_name"), "None");
}

TEST_F(MLflowParamsTest, WithoutAModelAreTheArguments) {
  EXPECT_EQ(value(mlflow_params(args_, nullptr, {}), "learning_rate"), "5e-05");
}

TEST_F(MLflowParamsTest, AreNestedOnlyUnlessFlattened) {
  const char* config = R"({"a": {"b": {"c": 1}, "d": {}}})";
  EXPECT_EQ(value(params(config), "a"), R"({"b": {"c": 1}, "d": {}})");
  const MLflowParams flat = params(config, {.flatten = true});
  EXPECT_EQ(value(flat, "a.b.c"), "1");
  EXPECT_EQ(value(flat, "a.d"), "{}");
  EXPECT_EQ(value(flat, "a"), "(none)");
}

TEST_F(MLflowParamsTest, AreCutAt6000Bytes) {
  const std::string fits(6000, 'x');
  const MLflowParams all = params(
      ("{\"fits\": \"" + fits + "\", \"long\": \"" + fits + "x\", \"odd\": \"" + fits.substr(1) + "ä\"}").c_str());
  EXPECT_EQ(value(all, "fits"), fits);
  EXPECT_EQ(value(all, "long"), fits);
  EXPECT_EQ(value(all, "odd"), fits.substr(1));
  EXPECT_THAT(all.cut, ElementsAre("long", "odd"));
}

TEST_F(MLflowParamsTest, KeepTheFirstOfTwoThatMLflowCallsTheSame) {
  EXPECT_EQ(value(params(R"({"a!": 1, "a?": 2})"), "a_"), "1");
  EXPECT_THAT(messages_.lines(), ElementsAre(HasSubstr("the param a? is left out")));
}

TEST_F(MLflowParamsTest, AreOnlyTheFirstWhereAsked) {
  EXPECT_THAT(params(R"({"a": 1, "b": 2, "c": 3})", {.max_params = 2}).params,
              ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_THAT(params("{}", {.max_params = 0}).params, IsEmpty());
}

TEST_F(MLflowParamsTest, OfAResumedRunSayNoOtherCheckpoint) {
  EXPECT_EQ(value(params("{}"), "resume_from_checkpoint"), "None");
  EXPECT_EQ(value(params("{}", {.is_resumed = true}), "resume_from_checkpoint"), "(none)");
}

}  // namespace
}  // namespace downbeat
