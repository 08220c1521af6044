// Each file of a checkpoint damaged a thousand times: it is one sentence that names the file, or a run can go on from
// what is unharmed; nothing larger than the checkpoint is ever allocated.
#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "absl/strings/match.h"
#include "callbacks/vocabulary/message.h"
#include "tests/trainer/support/files.h"
#include "tests/trainer/support/largest_allocation.h"
#include "tests/trainer/support/tensors.h"
#include "tests/trainer/torch_file/archives.h"
#include "tests/trainer/torch_file/mutations.h"
#include "trainer/checkpoint/model_checkpoints.h"
#include "trainer/loop_rules.h"
#include "trainer/optim/create_optimizer.h"
#include "trainer/optim/create_scheduler.h"

namespace downbeat {
namespace {

using testing::content;
using testing::fractions;
using testing::fresh_directory;
using testing::Mutations;
using testing::write;

constexpr int kMutations = 1000;
constexpr std::size_t kSlack = 64 << 10;

struct Two : torch::nn::Module {
  Two() {
    register_parameter("weight", fractions(24).view({4, 6}));
    register_parameter("bias", fractions(4));
  }
};

// A run that has made one step and saved it.
struct SavedRun {
  explicit SavedRun(const std::string& output) : args{.output_dir = output, .max_steps = 6, .warmup_steps = 2} {}

  void step() {
    for (at::Tensor& parameter : model->parameters()) parameter.mutable_grad() = at::full_like(parameter, 0.5);
    optimizer->step();
    scheduler->step();
  }
  void save() {
    TrainerState state;
    state.global_step = 1;
    state.max_steps = 6;
    state.log_history.push_back({{"loss", 0.5}, {"step", int64_t{1}}});
    state.stateful_callbacks["EarlyStoppingCallback"] = {};
    checkpoints.prepare();
    checkpoints.save(state, *optimizer, *scheduler);
  }
  // As Loop does when it goes on from a checkpoint.
  void resume(const std::string& directory) {
    TrainerState state = checkpoints.read(checkpoints.to_resume(directory));
    adopt_state(args, state);
    static_cast<void>(position_of(args, state.global_step, /*batches_per_epoch=*/2));
    checkpoints.restore(*optimizer, *scheduler);
    checkpoints.restore_random_state();
  }

  TrainingArguments args;
  std::shared_ptr<Two> model = std::make_shared<Two>();
  std::unique_ptr<Optimizer> optimizer = create_optimizer(*model, args);
  std::unique_ptr<LRScheduler> scheduler = create_scheduler(*optimizer, args, 6);
  ProcessGroup alone{ProcessEnvironment()};
  ModelCheckpoints checkpoints{model, args, [] { return std::string(); }, alone};
};

class DamagedCheckpoint : public ::testing::TestWithParam<std::string> {
 protected:
  DamagedCheckpoint() {
    SavedRun run(output);
    run.step();
    run.save();
    whole = content(file);
  }

  // What `damaged` has become of the file: whether a run goes on from it.
  bool resumes(const std::string& damaged) {
    write(file, damaged);
    return resumes_from_file();
  }
  bool resumes_from_file() {
    const ScopedMessageCapture messages;
    SavedRun run(output);
    const std::size_t size = content(file).size();
    testing::forget_allocations();
    try {
      run.resume(output + "/checkpoint-1");
    } catch (const std::runtime_error& error) {
      const std::string sentence = error.what();
      EXPECT_TRUE(absl::StrContains(sentence, GetParam())) << sentence;
      EXPECT_FALSE(absl::StrContains(sentence, "\n")) << sentence;
      EXPECT_LE(testing::largest_allocation(), size + kSlack);
      return false;
    } catch (const std::invalid_argument& error) {  // intervals that no run can have
      EXPECT_EQ(GetParam(), "trainer_state.json") << error.what();
      return false;
    }
    EXPECT_LE(testing::largest_allocation(), size + kSlack);
    run.step();
    return true;
  }

  std::string output = fresh_directory();
  std::string file = output + "/checkpoint-1/" + GetParam();
  std::string whole;
};

TEST_P(DamagedCheckpoint, IsASentenceOrIsLoaded) {
  ASSERT_TRUE(resumes(whole));
  Mutations mutations(5);
  int refused = 0;
  for (int i = 0; i < kMutations; ++i) {
    SCOPED_TRACE(i);
    refused += !resumes(mutations.of(whole));
  }
  EXPECT_GT(refused, kMutations / 10);
}

TEST_P(DamagedCheckpoint, IsASentenceOrIsLoadedAlsoWithTheRightCheckSums) {
  if (whole.substr(0, 2) != "PK") return;  // what lies in no zip file has no check sums: the test above is the same
  const testing::Archive archive = testing::read_archive(file);
  Mutations mutations(6);
  int refused = 0;
  for (int i = 0; i < kMutations; ++i) {
    SCOPED_TRACE(i);
    testing::Archive damaged = archive;
    damaged["data.pkl"] = mutations.of(damaged["data.pkl"]);
    testing::write_archive(damaged, file);
    refused += !resumes_from_file();
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, kMutations);
}

INSTANTIATE_TEST_SUITE_P(Of, DamagedCheckpoint,
                         ::testing::Values("model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth",
                                           "trainer_state.json"),
                         [](const auto& test) { return test.param.substr(0, test.param.find('.')); });

}  // namespace
}  // namespace downbeat
