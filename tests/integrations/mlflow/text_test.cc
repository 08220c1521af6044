#include "integrations/mlflow/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "integrations/support/json_text.h"

namespace downbeat {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(MLflowName, KeepsWhatMLflowTakes) {
  for (const char* name : {"loss", "eval_loss", "eval/top 5:a-b.c", "a..b"}) EXPECT_EQ(mlflow_name(name), name);
}

TEST(MLflowName, PutsOneLineForEachOtherCharacter) {
  EXPECT_EQ(mlflow_name("acc (top 5)"), "acc _top 5_");
  EXPECT_EQ(mlflow_name("größe"), "gr__e");
  EXPECT_EQ(mlflow_name("損失"), "__");
}

TEST(MLflowName, IsAPathThatLeadsNowhereElse) {
  EXPECT_EQ(mlflow_name("/a//b/"), "a/b");
  EXPECT_EQ(mlflow_name("a/../b/."), "a/__/b/_");
  EXPECT_EQ(mlflow_name("..a/..b"), "__a/..b");
  EXPECT_EQ(mlflow_name("//"), "_");
  EXPECT_EQ(mlflow_name(""), "_");
}

TEST(MLflowName, HasAtMost250Characters) {
  EXPECT_EQ(mlflow_name(std::string(251, 'n')), std::string(250, 'n'));
  EXPECT_EQ(mlflow_name(std::string(250, 'n') + "/b"), std::string(250, 'n'));
}

TEST(MLflowParam, SpellsScalarsAsPython) {
  using Json = nlohmann::ordered_json;
  EXPECT_EQ(mlflow_param(nullptr), "None");
  EXPECT_EQ(mlflow_param(true), "True");
  EXPECT_EQ(mlflow_param(false), "False");
  EXPECT_EQ(mlflow_param(8), "8");
  EXPECT_EQ(mlflow_param(2.0), "2.0");
  EXPECT_EQ(mlflow_param(5e-5), "5e-05");
  EXPECT_EQ(mlflow_param(kNaN), "nan");
  EXPECT_EQ(mlflow_param(-kInfinity), "-inf");
  EXPECT_EQ(mlflow_param("it's \"so\""), "it's \"so\"");
  EXPECT_EQ(mlflow_param(Json::array({1, "a", nullptr})), R"([1, "a", null])");
  EXPECT_EQ(mlflow_param(Json{{"b", {{"a", true}}}}), R"({"b": {"a": true}})");
}

TEST(Cut, LeavesWholeCharacters) {
  EXPECT_EQ(cut("abc", 3), "abc");
  EXPECT_EQ(cut("abcd", 3), "abc");
  EXPECT_EQ(cut("a\xC3\xA4", 2), "a");
  EXPECT_EQ(cut("a\xC3\xA4", 3), "a\xC3\xA4");
  EXPECT_EQ(cut("\xF0\x9F\x98\x80", 3), "");
  EXPECT_EQ(cut("\x80\x80\x80", 2), "");
}

TEST(MLflowNumber, ComesBack) {
  for (const double value : {0.1, -1e300, kInfinity, -kInfinity}) EXPECT_EQ(number_of(json_number(value)), value);
  EXPECT_TRUE(std::isnan(number_of(json_number(kNaN))));
}

}  // namespace
}  // namespace downbeat
