#include "trainer/checkpoint/safetensors_header.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace downbeat {
namespace {

std::string file_of(const std::string& header, const std::string& data = "") {
  const auto size = static_cast<uint64_t>(header.size());
  return std::string(reinterpret_cast<const char*>(&size), sizeof(size)) + header + data;
}

std::string entry(const std::string& shape, const std::string& offsets, const std::string& type = "F32") {
  return R"({"w":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

// What is wrong with a file; "fine" where nothing is.
std::string sentence_about(const std::string& file) {
  const auto header = parse_safetensors_header(file, "FILE");
  if (header.ok()) return "fine";
  const std::string text(header.status().message()), prefix = "FILE is damaged: ";
  EXPECT_EQ(absl::IsDataLoss(header.status()), text.starts_with(prefix)) << text;
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}
std::string sentence_about(const std::string& header, const std::string& data) {
  return sentence_about(file_of(header, data));
}

TEST(ParseSafetensorsHeader, SaysWhereEachTensorLiesInTheFile) {
  const std::string text = R"({"__metadata__":{"format":"pt","why":"a \"test\""},)"
                           R"("b":{"dtype":"I16","shape":[2,1],"data_offsets":[4,8]},)"
                           R"("a":{"data_offsets":[0,4],"shape":[],"dtype":"F32"}}  )";
  const std::string file = file_of(text, "12345678");
  const auto header = parse_safetensors_header(file, "FILE");
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->metadata, (SafetensorsMetadata{{"format", "pt"}, {"why", "a \"test\""}}));
  ASSERT_EQ(header->tensors.size(), 2);
  const SafetensorsEntry &a = header->tensors.at("a"), &b = header->tensors.at("b");
  EXPECT_EQ(file.substr(a.begin, a.end - a.begin), "1234");
  EXPECT_EQ(file.substr(b.begin, b.end - b.begin), "5678");
  EXPECT_EQ(a.shape, std::vector<int64_t>{});
  EXPECT_EQ(b.shape, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(a.type, SafetensorsType::kF32);
  EXPECT_EQ(b.type, SafetensorsType::kI16);
}

TEST(ParseSafetensorsHeader, AcceptsWhatTheLibraryAccepts) {
  EXPECT_EQ(sentence_about("{}", ""), "fine");
  EXPECT_EQ(sentence_about(R"({"__metadata__":null})", ""), "fine");
  EXPECT_EQ(sentence_about(R"({"__metadata__":{}})", ""), "fine");
  EXPECT_EQ(sentence_about(entry("[1]", "[0,4]") + " \n ", "1234"), "fine") << "any padding";
  EXPECT_EQ(sentence_about(entry("[0,3]", "[0,0]"), ""), "fine");
  EXPECT_EQ(sentence_about(entry("[4]", "[0,3]", "F6_E2M3"), "123"), "fine") << "it is the reader who may not know it";
  EXPECT_EQ(sentence_about(R"({"e":{"dtype":"F32","shape":[0],"data_offsets":[4,4]},)"
                           R"("w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                           R"("a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})",
                           "1234"),
            "fine");
}

TEST(ParseSafetensorsHeader, RefusesAFileWithoutAWholeHeader) {
  EXPECT_EQ(sentence_about(""), "it has no header");
  EXPECT_EQ(sentence_about("1234567"), "it has no header");
  EXPECT_EQ(sentence_about(file_of("{}").substr(0, 9)), "it is cut off in its header");
}

TEST(ParseSafetensorsHeader, RefusesAHeaderThatIsTooLarge) {
  const auto sized = [](uint64_t size) { return std::string(reinterpret_cast<const char*>(&size), sizeof(size)); };
  EXPECT_EQ(sentence_about(sized(100'000'000) + "{}"), "it is cut off in its header");
  EXPECT_EQ(sentence_about(sized(100'000'001) + "{}"),
            "its header would have 100000001 bytes, of which 100000000 are allowed");
  EXPECT_EQ(sentence_about(sized(~uint64_t{0}) + "{}"),
            "its header would have 18446744073709551615 bytes, of which 100000000 are allowed");
}

TEST(ParseSafetensorsHeader, RefusesWhatIsNoJsonObject) {
  for (const char* header :
       {"", "[]", "[1, 2]", "5", "not json", " {}", "{", "{\"w\"", "{} {}", "{\"w\":}", "{\"\xff\":{}}",
        "{\"__metadata__\":{\"a\":\"\xc3\x28\"}}", "{'w':{}}", "{}\x01", "{\"w\":NaN}", "{,}"}) {
    EXPECT_EQ(sentence_about(header, ""), "its header is no JSON object") << header;
  }
  EXPECT_EQ(sentence_about(std::string("{}\0\0", 4), ""), "its header is no JSON object");
}

TEST(ParseSafetensorsHeader, RefusesANameOrFieldThatIsThereTwice) {
  const std::string one = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  EXPECT_EQ(sentence_about(R"({"w":)" + one + R"(,"w":)" + one + "}", "1234"), "w is there twice");
  EXPECT_EQ(sentence_about(R"({"__metadata__":{},"__metadata__":{}})", ""), "__metadata__ is there twice");
  EXPECT_EQ(sentence_about(R"({"__metadata__":{"a":"","a":""}})", ""), "a is there twice in __metadata__");
  EXPECT_EQ(sentence_about(R"({"w":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "1234"),
            "the entry of w has dtype twice");
  EXPECT_EQ(sentence_about(R"({"w":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}})", "1234"),
            "the entry of w has shape twice");
}

TEST(ParseSafetensorsHeader, RefusesAnEntryThatHasNotExactlyItsThreeFields) {
  EXPECT_EQ(sentence_about(R"({"w":{"dtype":"F32","shape":[1]}})", "1234"), "the entry of w lacks data_offsets");
  EXPECT_EQ(sentence_about(R"({"w":{"dtype":"F32","data_offsets":[0,4]}})", "1234"), "the entry of w lacks shape");
  EXPECT_EQ(sentence_about(R"({"w":{}})", ""), "the entry of w lacks dtype");
  EXPECT_EQ(sentence_about(R"({"w":{"dtype":"F32","strides":[1]}})", ""),
            "the entry of w has the unknown field strides");
}

TEST(ParseSafetensorsHeader, RefusesValuesOfAnotherKind) {
  for (const char* value : {"5", "null", "[]", "\"F32\"", "true", "1.5", "-1"}) {
    EXPECT_EQ(sentence_about(std::string("{\"w\":") + value + "}", ""), "the entry of w is no object") << value;
  }
  for (const char* value : {"5", "null", "[\"F32\"]", "{}", "false"}) {
    EXPECT_EQ(sentence_about(std::string(R"({"w":{"dtype":)") + value + "}}", ""), "the dtype of w is no text")
        << value;
  }
  for (const char* shape : {"5", "null", "\"3\"", "[\"3\"]", "[1.0]", "[-1]", "[[1]]", "[null]", "{}", "[1e2]",
                            "[18446744073709551616]", "[9223372036854775808]"}) {
    EXPECT_EQ(sentence_about(entry(shape, "[0,4]"), "1234"), "the shape of w is no list of sizes") << shape;
  }
  for (const char* offsets : {"5", "null", "[]", "[0]", "[0,4,4]", "[-4,0]", "[0,4.0]", "[\"0\",4]", "[[0,4]]", "{}"}) {
    EXPECT_EQ(sentence_about(entry("[1]", offsets), "1234"), "the data_offsets of w are not two positions") << offsets;
  }
  for (const char* metadata : {"5", "[]", "\"pt\"", R"({"a":1})", R"({"a":null})", R"({"a":{}})", R"({"a":[]})"}) {
    EXPECT_EQ(sentence_about(std::string(R"({"__metadata__":)") + metadata + "}", ""),
              "its __metadata__ is no object of texts")
        << metadata;
  }
}

TEST(ParseSafetensorsHeader, NamesATypeThatTheFormatDoesNotKnow) {
  const auto header = parse_safetensors_header(file_of(entry("[1]", "[0,4]", "F33"), "1234"), "FILE");
  EXPECT_TRUE(absl::IsUnimplemented(header.status()));
  EXPECT_EQ(header.status().message(), "cannot read FILE: w has type F33");
}

TEST(ParseSafetensorsHeader, RefusesDataThatDoesNotFit) {
  EXPECT_EQ(sentence_about(entry("[2]", "[0,4]"), "1234"), "the data of w has 4 bytes but its shape needs 8");
  EXPECT_EQ(sentence_about(entry("[]", "[0,0]"), ""), "the data of w has 0 bytes but its shape needs 4");
  EXPECT_EQ(sentence_about(entry("[0]", "[0,4]"), "1234"), "the data of w has 4 bytes but its shape needs 0");
  EXPECT_EQ(sentence_about(entry("[1]", "[4,0]"), "1234"), "the data of w ends before it begins");
  EXPECT_EQ(sentence_about(entry("[1]", "[0,4]"), "123"), "the data of w is cut off");
  EXPECT_EQ(sentence_about(entry("[1]", "[18446744073709551612,18446744073709551615]"), "1234"),
            "the data of w is cut off");
  EXPECT_EQ(sentence_about(entry("[3]", "[0,2]", "F4"), "12"), "the elements of w do not fill whole bytes");
}

TEST(ParseSafetensorsHeader, RefusesShapesThatNoTensorCanHave) {
  for (const char* shape : {"[9223372036854775807]", "[4611686018427387904,4]", "[4294967296,4294967296]",
                            "[0,4611686018427387904,4]", "[4611686018427387904,0,4]"}) {
    EXPECT_EQ(sentence_about(entry(shape, "[0,4]"), "1234"), "w has a shape that no tensor can have") << shape;
  }
}

TEST(ParseSafetensorsHeader, RefusesGapsAndOverlaps) {
  const auto two = [](const std::string& first, const std::string& second) {
    return R"({"v":{"dtype":"U8","shape":[2],"data_offsets":)" + first +
           R"(},"w":{"dtype":"U8","shape":[2],"data_offsets":)" + second + "}}";
  };
  EXPECT_EQ(sentence_about(two("[0,2]", "[2,4]"), "1234"), "fine");
  EXPECT_EQ(sentence_about(two("[2,4]", "[0,2]"), "1234"), "fine");
  EXPECT_EQ(sentence_about(two("[0,2]", "[1,3]"), "123"), "the data of w overlaps that of another");
  EXPECT_EQ(sentence_about(two("[0,2]", "[0,2]"), "12"), "the data of w overlaps that of another");
  EXPECT_EQ(sentence_about(two("[0,2]", "[3,5]"), "12345"), "the data before that of w is no tensor's");
  EXPECT_EQ(sentence_about(two("[1,3]", "[3,5]"), "12345"), "the data before that of v is no tensor's");
  EXPECT_EQ(sentence_about(two("[0,2]", "[2,4]"), "123456"), "its last 2 bytes are no tensor's");
  EXPECT_EQ(sentence_about("{}", "123"), "its last 3 bytes are no tensor's");
}

TEST(ParseSafetensorsHeader, SurvivesAnyDepth) {
  const std::string brackets(1'000'000, '['), braces = [] {
    std::string text;
    for (int i = 0; i < 200'000; ++i) text += "{\"a\":";
    return text;
  }();
  EXPECT_EQ(sentence_about("{\"w\":" + brackets, ""), "the entry of w is no object");
  EXPECT_EQ(sentence_about(braces, ""), "the entry of a has the unknown field a");
  EXPECT_EQ(sentence_about(R"({"w":{"shape":)" + brackets, ""), "the shape of w is no list of sizes");
}

TEST(ParseSafetensorsHeader, KeepsItsSentencesOnOneShortLine) {
  EXPECT_EQ(sentence_about("{\"a\\nb\":5}", ""), "the entry of a\\nb is no object");
  EXPECT_EQ(sentence_about("{\"" + std::string(100'000, 'x') + "\":5}", ""),
            "the entry of " + std::string(200, 'x') + "... is no object");
}

TEST(ParseSafetensorsHeader, ReadsManyEntries) {
  std::string text = "{", data;
  for (int i = 0; i < 50'000; ++i) {
    text += (i > 0 ? ",\"" : "\"") + std::to_string(i) + R"(":{"dtype":"U8","shape":[1],"data_offsets":[)" +
            std::to_string(i) + "," + std::to_string(i + 1) + "]}";
    data += 'x';
  }
  EXPECT_EQ(sentence_about(text + "}", data), "fine");
}

TEST(LayOutSafetensors, PutsTensorsByTypeThenByName) {
  const auto layout = lay_out_safetensors({{"a", {SafetensorsType::kU8, {3}}},
                                           {"b", {SafetensorsType::kF32, {2, 1}}},
                                           {"c", {SafetensorsType::kI64, {}}},
                                           {"d", {SafetensorsType::kF32, {0}}}},
                                          {{"format", "pt"}});
  ASSERT_TRUE(layout.ok()) << layout.status();
  EXPECT_EQ(layout->names, (std::vector<std::string>{"c", "b", "d", "a"}));
  std::string text = R"({"__metadata__":{"format":"pt"},"c":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
                     R"("b":{"dtype":"F32","shape":[2,1],"data_offsets":[8,16]},)"
                     R"("d":{"dtype":"F32","shape":[0],"data_offsets":[16,16]},)"
                     R"("a":{"dtype":"U8","shape":[3],"data_offsets":[16,19]}})";
  text.append((8 - text.size() % 8) % 8, ' ');
  EXPECT_EQ(layout->header, file_of(text));
}

TEST(LayOutSafetensors, IsReadAsItWasMeantWithTheDataThatItNeeds) {
  const std::string name = "\"\\\n\x7f\u00e9";
  for (int type = 0; type <= static_cast<int>(SafetensorsType::kBOOL); ++type) {
    const SafetensorsTensor tensor{static_cast<SafetensorsType>(type), {4, 2}};
    EXPECT_EQ(safetensors_type(name_of(tensor.type)), tensor.type);
    const auto layout = lay_out_safetensors({{name, tensor}}, {});
    ASSERT_TRUE(layout.ok()) << layout.status();
    int read = 0;
    for (const std::size_t bits : {4, 6, 8, 16, 32, 64}) {
      const auto header = parse_safetensors_header(layout->header + std::string(bits, 'x'), "FILE");
      if (!header.ok()) continue;
      ++read;
      EXPECT_EQ(header->tensors.at(name).type, tensor.type);
      EXPECT_EQ(header->tensors.at(name).shape, tensor.shape);
    }
    EXPECT_EQ(read, 1) << name_of(tensor.type);
  }
}

TEST(LayOutSafetensors, RefusesNamesThatTheFormatCannotHold) {
  const SafetensorsTensor tensor{SafetensorsType::kF32, {}};
  EXPECT_EQ(lay_out_safetensors({{"__metadata__", tensor}}, {}).status().message(),
            "a tensor cannot be called __metadata__");
  EXPECT_EQ(lay_out_safetensors({{"\xff", tensor}}, {}).status().message(), "a name is not UTF-8");
  EXPECT_EQ(lay_out_safetensors({}, {{"a", "\xff"}}).status().message(), "a name is not UTF-8");
}

}  // namespace
}  // namespace downbeat
