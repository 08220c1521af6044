#include "callbacks/vocabulary/python_json.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

namespace downbeat {
namespace {

using Json = nlohmann::ordered_json;

struct PythonFloat {
  uint64_t bits;
  const char* repr;
  const char* four_digits;
};
const PythonFloat kPythonFloats[] = {
#include "tests/callbacks/vocabulary/python_floats.inc"
};

TEST(PythonFloatTest, PrintsWhatReprPrints) {
  for (const auto& [bits, repr, _] : kPythonFloats) EXPECT_EQ(python_float(std::bit_cast<double>(bits)), repr);
}

TEST(PythonFloatTest, PrintsWhatPercent4gPrints) {
  for (const auto& [bits, _, text] : kPythonFloats) EXPECT_EQ(python_float_4g(std::bit_cast<double>(bits)), text);
}

TEST(PythonFloatTest, SwitchesToExponentsWherePythonDoes) {
  EXPECT_EQ(python_float(1), "1.0");
  EXPECT_EQ(python_float(0.0001), "0.0001");
  EXPECT_EQ(python_float(0.00001), "1e-05");
  EXPECT_EQ(python_float(1e15), "1000000000000000.0");
  EXPECT_EQ(python_float(1e16), "1e+16");
  EXPECT_EQ(python_float(-0.0), "-0.0");
}

// What is expected below was printed by Python's json.dumps for the same value.
const Json kNested = {{"b", {1, 2.0, true, nullptr}},
                      {"a", Json::object()},
                      {"c", Json::array()},
                      {"d", {{"x", "é😀\t\"\\/\x7f\n"}}},
                      {"e", Json::array({Json::array({1}), Json::object()})}};

TEST(PythonJsonTest, CompactFormHasBlanksAfterCommaAndColon) {
  EXPECT_EQ(python_json(kNested),
            R"({"b": [1, 2.0, true, null], "a": {}, "c": [], "d": {"x": "\u00e9\ud83d\ude00\t\"\\/\u007f\n"}, )"
            R"("e": [[1], {}]})");
}

TEST(PythonJsonTest, IndentedFormHasNoBlankAtTheEndOfALine) {
  EXPECT_EQ(python_json(kNested, 2), R"({
  "b": [
    1,
    2.0,
    true,
    null
  ],
  "a": {},
  "c": [],
  "d": {
    "x": "\u00e9\ud83d\ude00\t\"\\/\u007f\n"
  },
  "e": [
    [
      1
    ],
    {}
  ]
})");
}

TEST(PythonJsonTest, IndentZeroBreaksLinesOnly) { EXPECT_EQ(python_json(Json{{"a", 1}}, 0), "{\n\"a\": 1\n}"); }

TEST(PythonJsonTest, PlainJsonSortsItsKeys) {
  EXPECT_EQ(python_json(nlohmann::json{{"b", 1}, {"a", {{"d", 2}, {"c", 3}}}}), R"({"a": {"c": 3, "d": 2}, "b": 1})");
}

TEST(PythonJsonTest, NumbersThatJsonDoesNotKnowAreBareWords) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(python_json(Json{std::nan(""), infinity, -infinity}), "[NaN, Infinity, -Infinity]");
}

TEST(PythonJsonTest, IntegersKeepAllDigits) {
  EXPECT_EQ(python_json(Json{INT64_MIN, UINT64_MAX}), "[-9223372036854775808, 18446744073709551615]");
}

TEST(PythonJsonTest, BytesThatAreNoUtf8BecomeTheReplacementCharacter) {
  EXPECT_EQ(python_json(Json("a\xff")), R"("a\ufffd")");
}

TEST(ParsePythonJsonTest, ReadsBareWords) {
  const auto json = parse_python_json(R"({"a": NaN, "b": [Infinity, -Infinity, null, 1], "c": null})");
  ASSERT_TRUE(json.ok());
  EXPECT_TRUE(std::isnan((*json)["a"].get<double>()));
  EXPECT_EQ(python_json(*json), R"({"a": NaN, "b": [Infinity, -Infinity, null, 1], "c": null})");
}

TEST(ParsePythonJsonTest, LeavesWordsInTextsAlone) {
  const std::string text = R"({"NaN": "Infinity \" NaN", "null": ["\\", NaN, "null"]})";
  EXPECT_EQ(python_json(*parse_python_json(text)), text);
}

TEST(ParsePythonJsonTest, KeepsTheOrderOfKeysAndTheLastOfTwoSame) {
  EXPECT_EQ(python_json(*parse_python_json(R"({"b": NaN, "a": null, "b": Infinity})")),
            R"({"b": Infinity, "a": null})");
}

TEST(ParsePythonJsonTest, SaysWhatIsNotJson) {
  for (const char* text : {"", "{", "[1,]", "NaNa", "Infinity0", "nul", "\"", "\"\\", "{\"a\" 1}", "[1] 2"}) {
    const auto json = parse_python_json(text);
    ASSERT_FALSE(json.ok()) << text;
    EXPECT_EQ(std::string(json.status().message()).find("not JSON: "), 0u);
  }
}

TEST(ParsePythonJsonTest, EveryDoubleComesBackExactly) {
  for (const auto& [bits, _, __] : kPythonFloats) {
    const double value = std::bit_cast<double>(bits);
    const double back = parse_python_json(python_json(Json(value)))->get<double>();
    EXPECT_TRUE(std::isnan(value) ? std::isnan(back) : std::bit_cast<uint64_t>(back) == bits) << python_float(value);
  }
}

}  // namespace
}  // namespace downbeat
