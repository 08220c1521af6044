// Random changes of files and pickles: each is read or refused, and never asks for more memory than the file is large.
#include "tests/trainer/torch_file/mutations.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>

#include "tests/trainer/support/files.h"
#include "tests/trainer/support/largest_allocation.h"
#include "tests/trainer/torch_file/archives.h"
#include "tests/trainer/torch_file/pickles.h"
#include "trainer/torch_file/torch_file.h"

namespace downbeat {
namespace {

using testing::Archive;
using testing::content;
using testing::fresh_directory;
using testing::Mutations;
using testing::write;

constexpr int kMutations = 1000;
constexpr std::size_t kSlack = 64 << 10;

// Written by torch 2.13: make_reference_files.py.
const std::string kReference = "tests/trainer/torch_file/reference/";

struct Outcomes {
  int read = 0, refused = 0;
};

void count(const absl::StatusOr<PythonValue>& value, const std::string& name, Outcomes& outcomes) {
  ++(value.ok() ? outcomes.read : outcomes.refused);
  if (value.ok()) return;
  const std::string sentence(value.status().message());
  EXPECT_NE(sentence.find(name), sentence.npos) << sentence;
  EXPECT_EQ(sentence.find('\n'), sentence.npos) << sentence;
  EXPECT_LT(sentence.size(), 1000) << sentence;
}

void load(const std::string& path, Outcomes& outcomes) {
  const std::size_t size = content(path).size();
  testing::forget_allocations();
  const auto value = load_torch_file(path);
  EXPECT_LE(testing::largest_allocation(), size + kSlack);
  count(value, path, outcomes);
}

class Mutated : public ::testing::TestWithParam<const char*> {};

TEST_P(Mutated, FilesAreReadOrRefused) {
  const std::string whole = content(kReference + GetParam()), path = fresh_directory() + "/some.pt";
  Mutations mutations(1);
  Outcomes outcomes;
  for (int i = 0; i < kMutations; ++i) {
    SCOPED_TRACE(i);
    write(path, mutations.of(whole));
    load(path, outcomes);
  }
  EXPECT_GT(outcomes.refused, kMutations / 2) << "nearly every byte is under a check sum";
}

TEST_P(Mutated, FilesWithTheRightCheckSumsAreReadOrRefused) {
  const Archive whole = testing::read_archive(kReference + GetParam());
  const std::string path = fresh_directory() + "/some.pt";
  Mutations mutations(2);
  Outcomes outcomes;
  for (int i = 0; i < kMutations; ++i) {
    SCOPED_TRACE(i);
    Archive archive = whole;
    archive["data.pkl"] = mutations.of(archive["data.pkl"]);
    if (i % 4 == 0) archive["data/0"] = mutations.of(archive["data/0"]);
    if (i % 16 == 0) archive["byteorder"] = mutations.of(archive["byteorder"]);
    testing::write_archive(archive, path);
    load(path, outcomes);
  }
  EXPECT_GT(outcomes.read, 0);
  EXPECT_GT(outcomes.refused, 0);
}

TEST_P(Mutated, PicklesAreReadOrRefused) {
  const std::string whole = testing::read_archive(kReference + GetParam())["data.pkl"];
  Mutations mutations(3);
  Outcomes outcomes;
  for (int i = 0; i < kMutations; ++i) {
    SCOPED_TRACE(i);
    const std::string pickle = mutations.of(whole);
    testing::forget_allocations();
    const auto value = read_pickle(pickle, testing::small_storage);
    EXPECT_LE(testing::largest_allocation(), pickle.size() + kSlack);
    count(value, "", outcomes);
  }
  EXPECT_GT(outcomes.read, 0);
  EXPECT_GT(outcomes.refused, 0);
}

INSTANTIATE_TEST_SUITE_P(Of, Mutated,
                         ::testing::Values("adamw.pt", "sgd_momentum.pt", "lambda_lr.pt", "rng_state.pth", "views.pt",
                                           "types.pt", "values.pt", "values_protocol_4.pt"),
                         [](const auto& test) {
                           const std::string name = test.param;
                           return name.substr(0, name.find('.'));
                         });

TEST(LargestAllocation, SeesWhatNewAndTensorsAskFor) {
  if (!testing::sees_allocations()) GTEST_SKIP() << "the sanitizer has a malloc of its own";
  testing::forget_allocations();
  const std::string text(100000, 'x');
  EXPECT_GE(testing::largest_allocation(), text.size());
  testing::forget_allocations();
  const at::Tensor tensor = at::zeros({100000});
  EXPECT_GE(testing::largest_allocation(), tensor.nbytes());
}

}  // namespace
}  // namespace downbeat
