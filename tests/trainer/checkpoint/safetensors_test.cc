#include "trainer/checkpoint/safetensors.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/imag.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/view_as_complex.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

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
constexpr char kAllTypes[] = "tests/trainer/checkpoint/all_types.safetensors";

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

StateDict all_types() {
  const at::Tensor rows = at::arange(32, at::kByte).view({2, 16});
  StateDict tensors;
  for (const at::ScalarType type :
       {at::kByte, at::kChar, at::kShort, at::kInt, at::kLong, at::kHalf, at::kFloat, at::kDouble, at::kBFloat16,
        at::kUInt16, at::kUInt32, at::kUInt64, at::kComplexFloat, at::kFloat8_e5m2, at::kFloat8_e4m3fn,
        at::kFloat8_e5m2fnuz, at::kFloat8_e4m3fnuz, at::kFloat8_e8m0fnu, at::kFloat4_e2m1fn_x2}) {
    tensors[c10::toString(type)] = rows.view(type);
  }
  tensors["Bool"] = rows.remainder(2).to(at::kBool);
  tensors["with \" and \\ and \x01\x7f\n and \u00e9\U0001f600"] = at::ones({3});
  return tensors;
}

std::string bytes_of(const at::Tensor& tensor) {
  return {static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()};
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

TEST(SaveSafetensors, WritesByteForByteEveryTypeThatTheLibraryWrites) {
  const std::string path = fresh_directory() + "/model.safetensors";
  ASSERT_TRUE(save_safetensors(all_types(), path).ok());
  EXPECT_EQ(content(path), content(kAllTypes));
}

TEST(SaveSafetensors, WritesConjugateAndNegatedElementsAsTheyAre) {
  const std::string path = fresh_directory() + "/model.safetensors";
  const at::Tensor complex = at::view_as_complex(fractions(6).view({3, 2}));
  ASSERT_TRUE(save_safetensors({{"conjugate", complex.conj()}, {"imaginary", at::imag(complex.conj())}}, path).ok());
  const auto loaded = load_safetensors(path);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_TRUE(loaded->at("conjugate").equal(complex.conj().resolve_conj()));
  EXPECT_EQ(floats(loaded->at("imaginary")), floats(-at::imag(complex)));
}

TEST(SaveSafetensors, CanReplaceTheFileThatItsTensorsAreViewsOf) {
  const std::string path = fresh_directory() + "/model.safetensors";
  ASSERT_TRUE(save_safetensors({{"a", fractions(600'000)}, {"b", fractions(5, 1)}}, path).ok());
  const std::string first = content(path);
  const auto loaded = load_safetensors(path);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ASSERT_TRUE(save_safetensors(*loaded, path).ok());
  EXPECT_TRUE(content(path) == first);
  ASSERT_TRUE(save_safetensors({{"b", loaded->at("b")}}, path).ok());
  EXPECT_EQ(floats(loaded->at("a")), floats(fractions(600'000)));
}

TEST(SaveSafetensors, AddsMetadataToTheFormat) {
  const std::string path = fresh_directory() + "/model.safetensors";
  ASSERT_TRUE(save_safetensors({}, path, {{"origin", "test"}, {"format", "np"}}).ok());
  EXPECT_EQ(content(path).substr(8), R"({"__metadata__":{"format":"pt","origin":"test"}})");
}

TEST(SaveSafetensors, RefusesWhatTheFormatLacks) {
  const std::string path = fresh_directory() + "/model.safetensors";
  const auto sentence = [&](const std::string& name, const at::Tensor& tensor) {
    const std::string text(save_safetensors({{name, tensor}}, path).message()), prefix = "cannot write " + path + ": ";
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
  };
  EXPECT_EQ(sentence("c", at::zeros({2}, at::kComplexDouble)), "c has type ComplexDouble");
  EXPECT_EQ(sentence("c", at::zeros({2}).to_sparse()), "c is sparse");
  EXPECT_EQ(sentence("c", at::empty({2}, at::TensorOptions(at::kMeta))), "c has no data");
  EXPECT_EQ(sentence("c", at::Tensor()), "c is undefined");
  EXPECT_EQ(sentence("c", at::zeros({}, at::kByte).view(at::kFloat4_e2m1fn_x2)),
            "c is a pair of 4-bit numbers without a dimension");
  EXPECT_EQ(sentence("__metadata__", at::zeros({2})), "a tensor cannot be called __metadata__");
  EXPECT_EQ(sentence("\xff", at::zeros({2})), "a name is not UTF-8");
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

std::string floats_as_bytes(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

std::string file_with(const std::string& header, const std::string& data = "") {
  const std::string path = fresh_directory() + "/model.safetensors";
  const auto size = static_cast<uint64_t>(header.size());
  write(path, std::string(reinterpret_cast<const char*>(&size), sizeof(size)) + header + data);
  return path;
}

TEST(LoadSafetensors, ReadsEveryTypeThatTheLibraryWrote) {
  const auto loaded = load_safetensors(kAllTypes);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->size(), 21);
  for (const auto& [name, expected] : all_types()) {
    const at::Tensor& tensor = loaded->at(name);
    EXPECT_EQ(tensor.scalar_type(), expected.scalar_type()) << name;
    EXPECT_EQ(tensor.sizes(), expected.sizes()) << name;
    EXPECT_EQ(bytes_of(tensor), bytes_of(expected)) << name;
  }
}

const char* address(const at::Tensor& tensor) { return static_cast<const char*>(tensor.const_data_ptr()); }

TEST(LoadSafetensors, GivesViewsOfTheMappedFile) {
  const std::string path = fresh_directory() + "/model.safetensors";
  ASSERT_TRUE(save_safetensors({{"a", fractions(6)}, {"b", fractions(100'000)}, {"c", fractions(5)}}, path).ok());
  const auto loaded = load_safetensors(path);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(address(loaded->at("b")) - address(loaded->at("a")), 6 * 4) << "as they lie in the file";
  EXPECT_EQ(address(loaded->at("c")) - address(loaded->at("b")), 100'000 * 4);
}

TEST(LoadSafetensors, GivesTensorsThatCanBeChangedWithoutChangingTheFile) {
  const std::string path = fresh_directory() + "/model.safetensors";
  ASSERT_TRUE(save_safetensors({{"a", fractions(6)}, {"b", fractions(6)}}, path).ok());
  const std::string before = content(path);
  const auto loaded = load_safetensors(path);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  loaded->at("a").fill_(9);
  EXPECT_EQ(floats(loaded->at("a")), std::vector<float>(6, 9));
  EXPECT_EQ(floats(loaded->at("b")), floats(fractions(6)));
  EXPECT_EQ(content(path), before);
  EXPECT_EQ(floats(load_safetensors(path)->at("a")), floats(fractions(6)));
}

TEST(LoadSafetensors, GivesTensorsThatOutliveEachOtherAndTheFile) {
  const std::string path = fresh_directory() + "/model.safetensors";
  ASSERT_TRUE(save_safetensors({{"a", fractions(6)}, {"b", fractions(6, 1)}}, path).ok());
  at::Tensor row;
  {
    const auto loaded = load_safetensors(path);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    row = loaded->at("b").view({2, 3})[1];
  }
  std::filesystem::remove(path);
  EXPECT_EQ(floats(row), floats(fractions(6, 1).narrow(0, 3, 3)));
}

TEST(LoadSafetensors, CopiesWhatDoesNotSuitItsType) {
  const std::string three = floats_as_bytes({1, 2, 3});
  const std::string path = file_with(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                     R"("w":{"dtype":"F32","shape":[3],"data_offsets":[1,13]}})",
                                     "x" + three);
  const auto loaded = load_safetensors(path);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(floats(loaded->at("w")), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(address(loaded->at("w"))) % 4, 0);
}

TEST(LoadSafetensors, NamesAFileThatIsNotThere) {
  const std::string path = fresh_directory() + "/missing.safetensors";
  EXPECT_EQ(load_safetensors(path).status().message(), "cannot read " + path + ": No such file or directory");
}

TEST(LoadSafetensors, NamesAFileThatIsCutOffAnywhere) {
  const std::string whole = content(kSeveralTypes);
  const std::string path = fresh_directory() + "/model.safetensors";
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    write(path, whole.substr(0, size));
    const absl::Status status = load_safetensors(path).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << size << status;
    EXPECT_TRUE(std::string(status.message()).starts_with(path + " is damaged: ")) << size << status;
  }
  write(path, whole.substr(0, whole.size() - 1));
  EXPECT_EQ(load_safetensors(path).status().message(), path + " is damaged: the data of of_bool is cut off");
}

TEST(LoadSafetensors, NamesATypeThatLibTorchLacks) {
  const auto sentence = [](const std::string& type, const std::string& shape, const std::string& size) {
    const std::string path =
        file_with(R"({"w":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":[0,)" + size + "]}}",
                  std::string(std::stoul(size), 'x'));
    const absl::Status status = load_safetensors(path).status();
    EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
    return std::string(status.message()).substr(("cannot read " + path + ": ").size());
  };
  EXPECT_EQ(sentence("F6_E2M3", "[4]", "3"), "w has type F6_E2M3");
  EXPECT_EQ(sentence("F4", "[2,1]", "1"), "w has type F4 in an odd number");
  EXPECT_EQ(sentence("F9", "[1]", "1"), "w has type F9");
}

}  // namespace
}  // namespace downbeat
