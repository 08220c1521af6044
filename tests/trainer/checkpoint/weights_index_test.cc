#include "trainer/checkpoint/weights_index.h"

#include <gtest/gtest.h>

#include <string>

namespace downbeat {
namespace {

std::string sentence_about(const std::string& text) {
  const auto index = parse_weights_index(text, "INDEX");
  if (index.ok()) return "fine";
  EXPECT_TRUE(absl::IsDataLoss(index.status())) << index.status();
  const std::string sentence(index.status().message()), prefix = "INDEX is damaged: ";
  return sentence.starts_with(prefix) ? sentence.substr(prefix.size()) : sentence;
}

TEST(WeightsIndexText, IsThatOfHuggingFace) {
  const auto text = weights_index_text(
      24, {{"b.weight", "a.weight"}},
      {{"b.bias", "model-00001-of-00002.safetensors"}, {"\u00e9\"\x7f", "model-00002-of-00002.safetensors"}});
  ASSERT_TRUE(text.ok()) << text.status();
  // As json.dump(index, indent=2) of Python writes it.
  EXPECT_EQ(*text, R"({
  "metadata": {
    "total_size": 24,
    "b.weight": "a.weight"
  },
  "weight_map": {
    "b.bias": "model-00001-of-00002.safetensors",
    "\u00e9\"\u007f": "model-00002-of-00002.safetensors"
  }
})");
  const auto index = parse_weights_index(*text, "INDEX");
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_EQ(index->files, (std::map<std::string, std::string>{{"b.bias", "model-00001-of-00002.safetensors"},
                                                              {"\u00e9\"\x7f", "model-00002-of-00002.safetensors"}}));
}

TEST(WeightsIndexText, RefusesANameThatIsNotUtf8) {
  EXPECT_EQ(weights_index_text(0, {}, {{"\xff", "f"}}).status().message(), "a name is not UTF-8");
}

TEST(ParseWeightsIndex, PassesOverWhatIsBesideTheMap) {
  EXPECT_EQ(sentence_about(R"({"metadata":{"weight_map":5,"x":[{"weight_map":{}}]},"weight_map":{},"more":null})"),
            "fine");
  EXPECT_EQ(sentence_about(R"({"weight_map":{"a":"a.safetensors"},"z":{"a":5}})"), "fine");
}

TEST(ParseWeightsIndex, RefusesWhatHasNoMap) {
  for (const char* text : {"", "{", "nothing", "{\"weight_map\":{\"a\":\"\xff\"}}", "{\"weight_map\":{}}}"}) {
    EXPECT_EQ(sentence_about(text), "it is no JSON object") << text;
  }
  EXPECT_EQ(sentence_about(std::string("{\"weight_map\":{}}\0{}", 20)), "it is no JSON object");
  for (const char* text : {"{}", "[]", "5", R"([{"weight_map":{}}])", R"({"metadata":{"weight_map":{}}})"}) {
    EXPECT_EQ(sentence_about(text), "it has no weight_map") << text;
  }
  for (const char* map :
       {"5", "-5", "1.5", "null", "true", "\"a\"", "[]", R"({"a":5})", R"({"a":{}})", R"({"a":[]})"}) {
    EXPECT_EQ(sentence_about(std::string(R"({"weight_map":)") + map + "}"), "weight_map is no object of texts") << map;
  }
}

TEST(ParseWeightsIndex, RefusesWhatIsThereTwice) {
  EXPECT_EQ(sentence_about(R"({"weight_map":{},"weight_map":{}})"), "weight_map is there twice");
  EXPECT_EQ(sentence_about(R"({"weight_map":{"a":"a.safetensors","a":"b.safetensors"}})"), "a is there twice");
}

TEST(ParseWeightsIndex, RefusesFilesThatCouldLieElsewhere) {
  for (const char* file : {"../model.safetensors", "/model.safetensors", "a/b.safetensors", "..", "", ".", "model.bin",
                           "pytorch_model-00001-of-00002.bin"}) {
    EXPECT_EQ(sentence_about(std::string(R"({"weight_map":{"w":")") + file + "\"}}"),
              std::string("the file of w is ") + file + ", but only a .safetensors file beside it is allowed");
  }
  EXPECT_NE(sentence_about(R"({"weight_map":{"w":"a\\b.safetensors"}})"), "fine");
  EXPECT_NE(sentence_about(R"({"weight_map":{"w":"a\u0000.safetensors"}})"), "fine");
}

TEST(ParseWeightsIndex, SurvivesAnyDepth) {
  EXPECT_EQ(sentence_about("{\"metadata\":" + std::string(1'000'000, '[')), "it is no JSON object");
  EXPECT_EQ(sentence_about("{\"weight_map\":" + std::string(1'000'000, '[')), "weight_map is no object of texts");
}

}  // namespace
}  // namespace downbeat
