#include "integrations/support/json_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace downbeat {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(ValidUtf8, ReplacesOtherBytes) {
  EXPECT_EQ(valid_utf8("na\xC3\xAFve \"x\"\n"), "na\xC3\xAFve \"x\"\n");
  EXPECT_EQ(valid_utf8("a\xFFz"), "a\xEF\xBF\xBDz");
}

TEST(JsonLine, IsOneLineOfValidUtf8InTheOrderOfTheObject) {
  EXPECT_EQ(json_line(Json{{"b", "a\xFF\n"}, {"a", 1}}), "{\"b\":\"a\xEF\xBF\xBD\\n\",\"a\":1}");
  EXPECT_EQ(json_line(nlohmann::json{{"b", 2}, {"a", 1}}), "{\"a\":1,\"b\":2}");
}

TEST(JsonNumber, NamesWhatJsonCannotHold) {
  EXPECT_EQ(json_number(std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(json_number(kInfinity), "Infinity");
  EXPECT_EQ(json_number<Json>(-kInfinity), "-Infinity");
  EXPECT_EQ(json_number(0.1).dump(), "0.1");
}

TEST(TextNamed, IsEmptyWhereThereIsNoText) {
  EXPECT_EQ(text_named(Json{{"id", "a1"}}, "id"), "a1");
  EXPECT_EQ(text_named(Json{{"id", 1}}, "id"), "");
  EXPECT_EQ(text_named(Json{{"id", "a1"}}, "name"), "");
  EXPECT_EQ(text_named(Json("id"), "id"), "");
  EXPECT_EQ(text_named(Json::parse("{", nullptr, /*allow_exceptions=*/false), "id"), "");
}

}  // namespace
}  // namespace downbeat
