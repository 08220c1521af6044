#include "trainer/checkpoint/checkpoint_files.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/trainer/support/files.h"
#include "tests/trainer/support/tensors.h"
#include "trainer/checkpoint/model_weights.h"

namespace downbeat {
namespace {

using testing::floats;
using testing::fractions;
using testing::fresh_directory;

CheckpointFiles with_tied_weights() {
  CheckpointFiles files;
  files.weights = {{"a", fractions(6)}, {"b", fractions(4, 1)}};
  files.weights["c"] = files.weights["a"];
  files.arguments = "{}";
  return files;
}

TEST(WithOwnTensors, KeepsTiedWeightsTied) {
  const CheckpointFiles files = with_tied_weights(), own = with_own_tensors(files);
  EXPECT_EQ(tied_names(own.weights), tied_names(files.weights));
  for (const auto& [name, tensor] : files.weights) {
    EXPECT_EQ(floats(own.weights.at(name)), floats(tensor)) << name;
    EXPECT_FALSE(own.weights.at(name).is_alias_of(tensor)) << name;
  }
}

TEST(WriteCheckpoint, WritesTiedWeightsOnce) {
  const std::string directory = fresh_directory();
  ASSERT_TRUE(write_checkpoint(with_tied_weights(), directory).ok());
  const auto read = read_checkpoint(directory);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->weights.count("c"), 0);
  EXPECT_EQ(floats(read->weights.at("a")), floats(fractions(6)));
}

TEST(ReadCheckpoint, ReadsWeightsThatAreDivided) {
  const std::string directory = fresh_directory();
  const CheckpointFiles files = with_tied_weights();
  ASSERT_TRUE(write_checkpoint(files, directory).ok());
  ASSERT_TRUE(save_weights(files.weights, directory, 20).ok());
  const auto read = read_checkpoint(directory);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(floats(read->weights.at("a")), floats(fractions(6)));
  EXPECT_EQ(floats(read->weights.at("b")), floats(fractions(4, 1)));
}

}  // namespace
}  // namespace downbeat
