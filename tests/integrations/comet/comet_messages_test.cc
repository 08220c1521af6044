#include "integrations/comet/comet_messages.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "integrations/support/json_text.h"

namespace downbeat {
namespace {

using Json = nlohmann::ordered_json;

std::string value_of(double value) {
  return comet_metric("train/loss", value, 4, 0.5, 1).at("payload").at("metric").at("metricValue").dump();
}

std::string parameter(const Json& value) { return json_line(comet_parameter("args|x", value, 7)); }

std::string with(const std::string& holder, const std::string& value) {
  return R"({"type":"parameter_msg","payload":{"local_timestamp":7,")" + holder +
         R"(":{"paramName":"args|x","paramValue":)" + value + R"(,"step":null,"source":"manual"}}})";
}

TEST(CometMetric, IsTheLineOfTheSchema) {
  EXPECT_EQ(json_line(comet_metric("train/loss", 0.1, 4, 0.5, 1700000000123)),
            R"({"type":"metric_msg","payload":{"local_timestamp":1700000000123,)"
            R"("metric":{"metricName":"train/loss","metricValue":0.1,"step":4,"epoch":0.5}}})");
}

TEST(CometMetric, KeepsIntegersWhole) {
  const Json message = comet_metric("train/n", int64_t{9007199254740993}, 4, 0.5, 1);
  EXPECT_EQ(message.at("payload").at("metric").at("metricValue").dump(), "9007199254740993");
}

TEST(CometMetric, WritesTheShortestTextOfANumber) {
  EXPECT_EQ(value_of(5e-324), "5e-324");
  EXPECT_EQ(value_of(0.30000000000000004), "0.30000000000000004");
}

TEST(CometMetric, WritesNonFiniteNumbersAsWords) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(value_of(std::numeric_limits<double>::quiet_NaN()), R"("NaN")");
  EXPECT_EQ(value_of(kInfinity), R"("Infinity")");
  EXPECT_EQ(value_of(-kInfinity), R"("-Infinity")");
}

TEST(CometMetric, NeverHasABareWord) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(json_line(comet_metric("x", nan, 4, nan, 1)),
            R"({"type":"metric_msg","payload":{"local_timestamp":1,)"
            R"("metric":{"metricName":"x","metricValue":"NaN","step":4,"epoch":null}}})");
}

TEST(CometMetric, IsNothingForText) { EXPECT_TRUE(comet_metric("train/note", "warm", 4, 0.5, 1).is_null()); }

TEST(CometParameter, KeepsPlainValues) {
  EXPECT_EQ(parameter(nullptr), with("param", "null"));
  EXPECT_EQ(parameter(true), with("param", "true"));
  EXPECT_EQ(parameter(1e-05), with("param", "1e-05"));
  EXPECT_EQ(parameter("text"), with("param", R"("text")"));
}

TEST(CometParameter, KeepsListsOfPlainValues) {
  EXPECT_EQ(parameter(Json::array()), with("params", "[]"));
  EXPECT_EQ(parameter({1, "a", nullptr}), with("params", R"([1,"a",null])"));
  EXPECT_EQ(parameter({std::numeric_limits<double>::quiet_NaN()}), with("params", R"(["NaN"])"));
}

TEST(CometParameter, WritesWhatTheSchemaDoesNotTakeAsText) {
  EXPECT_EQ(parameter(Json::object()), with("param", R"("{}")"));
  EXPECT_EQ(parameter(Json::parse(R"([[1], {"a": 2}])")), with("param", R"("[[1],{\"a\":2}]")"));
}

TEST(CometLine, ReplacesBytesThatAreNoText) {
  EXPECT_EQ(json_line(comet_other("key", "a\xff z")),
            "{\"type\":\"log_other\",\"payload\":{\"key\":\"key\",\"value\":\"a\xEF\xBF\xBD z\"}}");
}

TEST(CometAsset, SaysItsNameAndExtension) {
  const Json payload = comet_asset({"assets/1", "run/checkpoint-8/model.safetensors", "ab", 8}, 7).at("payload");
  EXPECT_EQ(payload.at("file_path"), "assets/1");
  EXPECT_EQ(payload.at("upload_type"), "asset");
  EXPECT_EQ(payload.at("additional_params").at("fileName"), "run/checkpoint-8/model.safetensors");
  EXPECT_EQ(payload.at("additional_params").at("extension"), "safetensors");
  EXPECT_EQ(payload.at("additional_params").at("step"), 8);
}

}  // namespace
}  // namespace downbeat
