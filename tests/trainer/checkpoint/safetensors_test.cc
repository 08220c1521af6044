#include "trainer/checkpoint/safetensors.h"

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "callbacks/vocabulary/message.h"
#include "tests/trainer/support/files.h"
#include "tests/trainer/support/tensors.h"

namespace downbeat {
namespace {

using testing::content;
using testing::floats;
using testing::fractions;
using testing::fresh_directory;
using testing::write;

// Written by the safetensors library: reference_numbers.py.
constexpr char kSeveralTypes[] = "tests/trainer/checkpoint/several_types.safetensors";

struct TypeCase {
  const char* name;
  at::ScalarType type;
};
constexpr TypeCase kTypes[] = {
    {"of_float64", at::kDouble}, {"of_float32", at::kFloat}, {"of_float16", at::kHalf}, {"of_bfloat16", at::kBFloat16},
    {"of_int64", at::kLong},     {"of_int32", at::kInt},     {"of_int16", at::kShort},  {"of_int8", at::kChar},
    {"of_uint8", at::kByte},     {"of_bool", at::kBool},
};

StateDict several_types() {
  StateDict tensors;
  int64_t seed = 0;
  for (const TypeCase& c : kTypes) tensors[c.name] = (fractions(3, seed++) * 8).abs().to(c.type);
  tensors["another_float32"] = fractions(6).view({2, 3});
  tensors["scalar"] = at::tensor(0.5F).squeeze();
  tensors["empty"] = at::zeros({0, 4});
  return tensors;
}

TEST(SaveSafetensors, WritesByteForByteWhatTheLibraryWrites) {
  const std::string path = fresh_directory() + "/model.safetensors";
  ASSERT_TRUE(save_safetensors(several_types(), path).ok());
  EXPECT_EQ(content(path), content(kSeveralTypes));
}

TEST(SaveSafetensors, WritesTheElementsOfAViewAndNotItsStorage) {
  const std::string path = fresh_directory() + "/model.safetensors";
  ASSERT_TRUE(save_safetensors({{"t", fractions(6).view({2, 3}).t()}}, path).ok());
  const auto loaded = load_safetensors(path);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(floats(loaded->at("t")), floats(fractions(6).view({2, 3}).t()));
}

TEST(SaveSafetensors, RefusesATypeThatTheFormatLacks) {
  const std::string path = fresh_directory() + "/model.safetensors";
  const absl::Status status = save_safetensors({{"c", at::zeros({2}, at::kComplexFloat)}}, path);
  EXPECT_EQ(status.message(), "cannot write " + path + ": c has type ComplexFloat");
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(LoadSafetensors, ReadsWhatTheLibraryWrote) {
  const auto loaded = load_safetensors(kSeveralTypes);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->size(), 13);
  for (const auto& [name, expected] : several_types()) {
    const at::Tensor& tensor = loaded->at(name);
    EXPECT_EQ(tensor.scalar_type(), expected.scalar_type()) << name;
    EXPECT_EQ(tensor.sizes(), expected.sizes()) << name;
    EXPECT_TRUE(tensor.equal(expected)) << name;
  }
}

std::string file_with(const std::string& header, const std::string& data = "") {
  const std::string path = fresh_directory() + "/model.safetensors";
  const auto size = static_cast<uint64_t>(header.size());
  write(path, std::string(reinterpret_cast<const char*>(&size), sizeof(size)) + header + data);
  return path;
}

std::string sentence_about(const std::string& path) {
  const auto loaded = load_safetensors(path);
  if (loaded.ok()) return "loaded";
  const std::string text(loaded.status().message());
  return text.starts_with(path) ? text.substr(path.size()) : text;
}

TEST(LoadSafetensors, NamesAFileThatIsNotThere) {
  const std::string path = fresh_directory() + "/missing.safetensors";
  EXPECT_EQ(load_safetensors(path).status().message(), "cannot read " + path + ": No such file or directory");
}

TEST(LoadSafetensors, NamesAFileThatIsEmptyOrSomethingElse) {
  const std::string path = fresh_directory() + "/model.safetensors";
  write(path, "");
  EXPECT_EQ(sentence_about(path), " is damaged: it has no header");
  write(path, "PK\x03\x04 a zip file and no safetensors");
  EXPECT_EQ(sentence_about(path), " is damaged: it has no header");
  EXPECT_EQ(sentence_about(file_with("not json")), " is damaged: its header is no JSON object");
  EXPECT_EQ(sentence_about(file_with("[1, 2]")), " is damaged: its header is no JSON object");
}

TEST(LoadSafetensors, NamesAFileThatIsCutOffAnywhere) {
  const std::string whole = content(kSeveralTypes);
  const std::string path = fresh_directory() + "/model.safetensors";
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    write(path, whole.substr(0, size));
    EXPECT_TRUE(sentence_about(path).starts_with(" is damaged: ")) << size << sentence_about(path);
  }
  write(path, whole.substr(0, whole.size() - 1));
  EXPECT_EQ(sentence_about(path), " is damaged: the data of of_bool does not fit its shape or the file is cut off");
}

TEST(LoadSafetensors, NamesWhatIsWrongInTheHeader) {
  const std::string no_entry = " is damaged: the entry of w has no dtype, shape and data_offsets";
  const std::string no_fit = " is damaged: the data of w does not fit its shape or the file is cut off";
  const auto entry = [](const std::string& shape, const std::string& offsets) {
    return R"({"w":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  EXPECT_EQ(sentence_about(file_with(R"({"w":{"dtype":"F32","shape":[1]}})")), no_entry);
  EXPECT_EQ(sentence_about(file_with(R"({"w":5})")), no_entry);
  EXPECT_EQ(sentence_about(file_with(entry("\"three\"", "[0,4]"), "1234")), no_entry);
  EXPECT_EQ(sentence_about(file_with(entry("[1]", "[0,4]"), "1234")), "loaded");
  EXPECT_EQ(sentence_about(file_with(entry("[2]", "[0,4]"), "1234")), no_fit);
  EXPECT_EQ(sentence_about(file_with(entry("[1]", "[4,0]"), "1234")), no_fit);
  EXPECT_EQ(sentence_about(file_with(entry("[1]", "[4,8]"), "1234")), no_fit);
  EXPECT_EQ(sentence_about(file_with(entry("[1]", "[-4,0]"), "1234")), no_fit);
  EXPECT_EQ(sentence_about(file_with(entry("[1]", "[0]"), "1234")), no_fit);
}

TEST(LoadSafetensors, SurvivesShapesThatNoTensorCanHave) {
  const std::string no_fit = " is damaged: the data of w does not fit its shape or the file is cut off";
  for (const char* shape : {"[-1]", "[4611686018427387904,4]", "[4611686018427387905,4]", "[1000000000000000000]",
                            "[-1,-1]", "[0,-3]", "[4294967296,4294967296]"}) {
    EXPECT_EQ(sentence_about(file_with(
                  std::string(R"({"w":{"dtype":"F32","shape":)") + shape + R"(,"data_offsets":[0,4]}})", "1234")),
              no_fit)
        << shape;
  }
}

TEST(LoadSafetensors, NamesATypeThatItDoesNotKnow) {
  const std::string path = file_with(R"({"w":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})", "1");
  EXPECT_EQ(load_safetensors(path).status().message(), "cannot read " + path + ": w has type F8_E4M3");
}

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

}  // namespace
}  // namespace downbeat
