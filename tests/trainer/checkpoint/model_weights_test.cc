#include "trainer/checkpoint/model_weights.h"

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/trainer/support/files.h"
#include "tests/trainer/support/tensors.h"
#include "trainer/checkpoint/safetensors.h"
#include "trainer/torch_file/torch_file.h"

namespace downbeat {
namespace {

using testing::content;
using testing::entries;
using testing::floats;
using testing::fractions;
using testing::fresh_directory;
using testing::write;
using Names = std::vector<std::string>;

constexpr char kIndex[] = "model.safetensors.index.json";

// 16, 40, 8, 4 and 12 bytes.
StateDict five_tensors() {
  return {{"a", fractions(4)}, {"b", fractions(10)}, {"c", fractions(2)}, {"d", fractions(1)}, {"e", fractions(3)}};
}

void expect_equal(const absl::StatusOr<StateDict>& loaded, const StateDict& expected) {
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ASSERT_EQ(loaded->size(), expected.size());
  for (const auto& [name, tensor] : expected) {
    ASSERT_EQ(loaded->count(name), 1) << name;
    EXPECT_TRUE(loaded->at(name).equal(tensor)) << name;
  }
}

TEST(SaveWeights, WritesOneFileWhereItIsLargeEnough) {
  const std::string directory = fresh_directory();
  ASSERT_TRUE(save_weights(five_tensors(), directory, 80).ok());
  EXPECT_EQ(entries(directory), Names{"model.safetensors"});
  const std::string other = directory + "/other.safetensors";
  ASSERT_TRUE(save_safetensors(five_tensors(), other).ok());
  EXPECT_EQ(content(directory + "/model.safetensors"), content(other));
  expect_equal(load_weights(directory), five_tensors());
}

// Made by save_torch_state_dict of huggingface_hub 2.4 with max_shard_size=20.
TEST(SaveWeights, DividesThemAsHuggingFaceDoes) {
  const std::string directory = fresh_directory();
  ASSERT_TRUE(save_weights(five_tensors(), directory, 20).ok());
  EXPECT_EQ(entries(directory),
            (Names{"model-00001-of-00004.safetensors", "model-00002-of-00004.safetensors",
                   "model-00003-of-00004.safetensors", "model-00004-of-00004.safetensors", kIndex}));
  EXPECT_EQ(content(directory + "/" + kIndex), R"({
  "metadata": {
    "total_size": 80
  },
  "weight_map": {
    "b": "model-00001-of-00004.safetensors",
    "a": "model-00002-of-00004.safetensors",
    "c": "model-00003-of-00004.safetensors",
    "d": "model-00003-of-00004.safetensors",
    "e": "model-00004-of-00004.safetensors"
  }
})");
  expect_equal(load_weights(directory), five_tensors());
}

TEST(SaveWeights, LeavesNothingOfAnEarlierCallThatWouldBeLoadedInstead) {
  const std::string directory = fresh_directory();
  for (const char* name : {"model.safetensors.backup", "my-model.safetensors", "config.json"}) {
    write(directory + "/" + name, "mine");
  }
  for (const int64_t size : {80, 20, 60, 1000}) {
    StateDict tensors = five_tensors();
    tensors["a"].fill_(static_cast<double>(size));
    ASSERT_TRUE(save_weights(tensors, directory, size).ok());
    expect_equal(load_weights(directory), tensors);
  }
  EXPECT_EQ(entries(directory),
            (Names{"config.json", "model.safetensors", "model.safetensors.backup", "my-model.safetensors"}));
}

TEST(SaveWeights, CanDivideAnewWhatIsMapped) {
  const std::string directory = fresh_directory();
  ASSERT_TRUE(save_weights(five_tensors(), directory, 20).ok());
  const auto loaded = load_weights(directory);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ASSERT_TRUE(save_weights(*loaded, directory, 60).ok());
  expect_equal(load_weights(directory), five_tensors());
  expect_equal(loaded, five_tensors());
}

TEST(SaveWeights, WritesTiedWeightsOnceUnderTheFirstName) {
  StateDict tensors = five_tensors();
  tensors["z"] = tensors["b"];
  tensors["0"] = tensors["c"].detach();
  for (const int64_t size : {1000, 20}) {
    const std::string directory = fresh_directory();
    ASSERT_TRUE(save_weights(tensors, directory, size).ok());
    const auto loaded = load_weights(directory);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    Names names;
    for (const auto& item : *loaded) names.push_back(item.first);
    EXPECT_EQ(names, (Names{"0", "a", "b", "d", "e"})) << size;
    const std::string noted =
        content(directory + (size == 20 ? "/model.safetensors.index.json" : "/model.safetensors"));
    EXPECT_NE(noted.find(size == 20 ? R"("c": "0",)" : R"("c":"0",)"), noted.npos) << noted;
    EXPECT_NE(noted.find(size == 20 ? R"("z": "b")" : R"("z":"b")"), noted.npos) << noted;
  }
}

TEST(SaveWeights, WritesAModelWithoutWeights) {
  const std::string directory = fresh_directory();
  ASSERT_TRUE(save_weights({}, directory).ok());
  expect_equal(load_weights(directory), {});
}

TEST(SaveWeights, RefusesASizeThatIsNotAboveZero) {
  EXPECT_EQ(save_weights({}, fresh_directory(), 0).message(), "max_shard_size is 0, but it must be above 0");
}

TEST(LoadWeights, TakesTheFirstThatIsThere) {
  const std::string directory = fresh_directory();
  EXPECT_EQ(weights_file(directory), directory + "/model.safetensors");
  EXPECT_EQ(load_weights(directory).status().message(),
            "cannot read " + directory + "/model.safetensors: No such file or directory");
  write(directory + "/pytorch_model.bin", "no zip");
  EXPECT_EQ(weights_file(directory), directory + "/pytorch_model.bin");
  write(directory + "/" + kIndex, "{}");
  EXPECT_EQ(load_weights(directory).status().message(), directory + "/" + kIndex + " is damaged: it has no weight_map");
  write(directory + "/model.safetensors", "");
  EXPECT_EQ(load_weights(directory).status().message(), directory + "/model.safetensors is damaged: it has no header");
}

TEST(LoadWeights, ReadsAFileOfTorchSave) {
  const std::string directory = fresh_directory(), path = directory + "/pytorch_model.bin";
  PythonDict weights;
  for (const auto& [name, tensor] : five_tensors()) weights.set(name, tensor);
  ASSERT_TRUE(save_torch_file(weights, path).ok());
  expect_equal(load_weights(directory), five_tensors());

  weights.set("step", int64_t{5});
  ASSERT_TRUE(save_torch_file(weights, path).ok());
  EXPECT_EQ(load_weights(directory).status().message(),
            "cannot read " + path + ": it maps str to int, but weights map str to Tensor");
  ASSERT_TRUE(save_torch_file(PythonList{}, path).ok());
  EXPECT_EQ(load_weights(directory).status().message(), "cannot read " + path + ": it holds no dict but list");
}

TEST(LoadWeights, RefusesAnIndexThatTheShardsDoNotFit) {
  const std::string directory = fresh_directory();
  ASSERT_TRUE(save_weights(five_tensors(), directory, 20).ok());
  const std::string second = directory + "/model-00002-of-00004.safetensors";
  const std::string whole = content(second);
  write(second, whole.substr(0, whole.size() - 1));
  EXPECT_EQ(load_weights(directory).status().message(), second + " is damaged: the data of a is cut off");
  ASSERT_TRUE(save_safetensors({{"f", fractions(1)}}, second).ok());
  EXPECT_EQ(load_weights(directory).status().message(),
            directory + "/" + kIndex + " is damaged: " + second + " does not hold a");
  std::filesystem::remove(second);
  EXPECT_EQ(load_weights(directory).status().message(), "cannot read " + second + ": No such file or directory");
}

TEST(LoadWeights, TakesOnlyWhatTheIndexNames) {
  const std::string directory = fresh_directory();
  ASSERT_TRUE(save_safetensors(five_tensors(), directory + "/part.safetensors").ok());
  write(directory + "/" + kIndex, R"({"weight_map":{"a":"part.safetensors","c":"part.safetensors"}})");
  expect_equal(load_weights(directory), {{"a", fractions(4)}, {"c", fractions(2)}});
}

}  // namespace
}  // namespace downbeat
