// TensorBoardCallback in a loop of one's own. What the real readers make of its files: tensorboard_test.py.
#include "integrations/tensorboard/tensorboard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "callbacks/pipeline/callback_handler.h"
#include "callbacks/vocabulary/message.h"
#include "callbacks/vocabulary/trainer_control.h"

namespace downbeat {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

static_assert(std::is_nothrow_move_constructible_v<TensorBoardCallback>);
static_assert(std::is_nothrow_move_assignable_v<TensorBoardCallback>);
static_assert(TensorBoardCallback::report_to_name == "tensorboard");

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class TwoTensors : public ModelDescription {
 public:
  std::string config() const override { return R"({"hidden": 8})"; }
  std::string text() const override { return "TwoTensors()"; }
  int64_t num_parameters() const override { return 3; }
  void visit_parameters(const Visit& visit) const override { visit("weight", {1, 2, 3}); }
  void visit_gradients(const Visit& visit) const override { visit("weight", {-1, 0, 1}); }
};

class TensorBoardTest : public ::testing::Test {
 protected:
  TensorBoardTest() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    directory_ = ::testing::TempDir() + "/tensorboard_" + test->name();
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    unsetenv("TENSORBOARD_LOGGING_DIR");
    args_.output_dir = directory_;
  }

  // Event files below the directory.
  std::vector<std::string> files() const {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_)) {
      if (absl::StrContains(entry.path().filename().string(), "tfevents")) all.push_back(entry.path());
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  std::string log_dir() const { return directory_ + "/log"; }

  std::string directory_;
  TrainingArguments args_;
  TrainerState state_;
  TrainerControl control_;
};

TEST_F(TensorBoardTest, WritesBelowTheOutputDirectory) {
  {
    CallbackHandler handler(TensorBoardCallback{});
    handler.on_train_begin(args_, state_, control_);
    Logs logs{{"loss", 0.5}};
    handler.on_log(args_, state_, control_, logs);
    handler.on_train_end(args_, state_, control_, RunEnd{});
    ASSERT_THAT(files(), SizeIs(1)) << "on_train_end waits until all is written";
  }
  EXPECT_THAT(files()[0], HasSubstr(directory_ + "/runs/"));
  EXPECT_THAT(content_of(files()[0]), HasSubstr("train/loss"));
}

TEST_F(TensorBoardTest, WritesWhatIsLoggedAfterTheEndIntoASecondFile) {
  {
    CallbackHandler handler(TensorBoardCallback({.log_dir = log_dir()}));
    handler.on_train_begin(args_, state_, control_);
    handler.on_train_end(args_, state_, control_, RunEnd{});
    Logs logs{{"eval_loss", 0.5}};
    handler.on_log(args_, state_, control_, logs);
  }
  ASSERT_THAT(files(), SizeIs(2));
  EXPECT_THAT(content_of(files()[1]), HasSubstr("eval/loss"));
}

TEST_F(TensorBoardTest, WritesALogWithoutATraining) {
  {
    CallbackHandler handler(TensorBoardCallback{});
    Logs logs{{"eval_loss", 0.5}};
    handler.on_log(args_, state_, control_, logs);
  }
  ASSERT_THAT(files(), SizeIs(1));
  EXPECT_THAT(content_of(files()[0]), Not(HasSubstr("args/text_summary")));
}

TEST_F(TensorBoardTest, GivesASecondTrainingADirectoryOfItsOwn) {
  CallbackHandler handler(TensorBoardCallback{});
  for (int training = 0; training < 2; ++training) {
    handler.on_train_begin(args_, state_, control_);
    handler.on_train_end(args_, state_, control_, RunEnd{});
  }
  ASSERT_THAT(files(), SizeIs(2));
  EXPECT_NE(std::filesystem::path(files()[0]).parent_path(), std::filesystem::path(files()[1]).parent_path());
}

TEST_F(TensorBoardTest, GoesOnInTheDirectoryOfTheCheckpoint) {
  const Checkpoint checkpoint{.directory = directory_ + "/checkpoint-8", .step = 8};
  std::filesystem::create_directories(checkpoint.directory);
  for (const bool is_resumed : {false, true}) {
    CallbackHandler handler(TensorBoardCallback{});
    if (is_resumed) handler.on_load_checkpoint(args_, state_, control_, checkpoint);
    handler.on_train_begin(args_, state_, control_);
    state_.global_step = 8;
    handler.on_save(args_, state_, control_, checkpoint);
    handler.on_train_end(args_, state_, control_, RunEnd{});
  }
  ASSERT_THAT(files(), SizeIs(2));
  EXPECT_EQ(std::filesystem::path(files()[0]).parent_path(), std::filesystem::path(files()[1]).parent_path());
}

TEST_F(TensorBoardTest, BeginsANewRunWhenAskedTo) {
  const Checkpoint checkpoint{.directory = directory_ + "/checkpoint-8", .step = 8};
  std::filesystem::create_directories(checkpoint.directory);
  for (const bool is_resumed : {false, true}) {
    args_.report_to_new_run = is_resumed;
    CallbackHandler handler(TensorBoardCallback{});
    if (is_resumed) handler.on_load_checkpoint(args_, state_, control_, checkpoint);
    handler.on_train_begin(args_, state_, control_);
    handler.on_save(args_, state_, control_, checkpoint);
    handler.on_train_end(args_, state_, control_, RunEnd{});
  }
  ASSERT_THAT(files(), SizeIs(2));
  EXPECT_NE(std::filesystem::path(files()[0]).parent_path(), std::filesystem::path(files()[1]).parent_path());
}

TEST_F(TensorBoardTest, LeavesACheckpointAwayThatIsGone) {
  CallbackHandler handler(TensorBoardCallback({.log_dir = log_dir()}));
  handler.on_save(args_, state_, control_, Checkpoint{.directory = directory_ + "/checkpoint-8"});
  handler.on_train_end(args_, state_, control_, RunEnd{});
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/checkpoint-8"));
}

TEST_F(TensorBoardTest, WritesHistogramsAtTheirSteps) {
  const TwoTensors tensors;
  const ModelDescription& model = tensors;
  {
    CallbackHandler handler(TensorBoardCallback({.log_dir = log_dir(), .histogram_steps = 2}));
    handler.on_train_begin(args_, state_, control_, model);
    handler.on_gradients_ready(args_, state_, control_, model);
    ++state_.global_step;
    handler.on_step_end(args_, state_, control_, model);
    handler.on_train_end(args_, state_, control_, model, RunEnd{});
    ASSERT_THAT(files(), SizeIs(1));
    EXPECT_THAT(content_of(files()[0]), Not(HasSubstr("/weight"))) << "step 1";

    handler.on_gradients_ready(args_, state_, control_, model);
    ++state_.global_step;
    handler.on_step_end(args_, state_, control_, model);
  }
  ASSERT_THAT(files(), SizeIs(2));
  EXPECT_THAT(content_of(files()[1]), HasSubstr("gradients/weight"));
  EXPECT_THAT(content_of(files()[1]), HasSubstr("parameters/weight"));
}

TEST_F(TensorBoardTest, SaysThatHistogramsNeedAModel) {
  const ScopedMessageCapture messages;
  CallbackHandler handler(TensorBoardCallback({.log_dir = log_dir(), .histogram_steps = 2}));
  handler.on_train_begin(args_, state_, control_);
  EXPECT_THAT(messages.lines(), ElementsAre(HasSubstr("no ModelDescription")));
}

TEST_F(TensorBoardTest, RefusesNegativeOptions) {
  CallbackHandler handler(TensorBoardCallback({.histogram_steps = -1}));
  EXPECT_THROW(handler.on_init_end(args_, state_, control_), std::invalid_argument);
  CallbackHandler other(TensorBoardCallback({.max_file_bytes = -1}));
  EXPECT_THROW(other.on_train_begin(args_, state_, control_), std::invalid_argument);
}

TEST_F(TensorBoardTest, WritesNothingInOtherProcesses) {
  state_.is_world_process_zero = false;
  {
    CallbackHandler handler(TensorBoardCallback({.log_dir = log_dir()}));
    const Checkpoint checkpoint{.directory = directory_};
    Logs logs{{"loss", 0.5}};
    handler.on_load_checkpoint(args_, state_, control_, checkpoint);
    handler.on_train_begin(args_, state_, control_);
    handler.on_log(args_, state_, control_, logs);
    handler.on_save(args_, state_, control_, checkpoint);
    handler.on_train_end(args_, state_, control_, RunEnd{});
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

TEST_F(TensorBoardTest, GoesOnAfterItWasMoved) {
  {
    TensorBoardCallback first({.log_dir = log_dir()});
    Logs logs{{"loss", 0.5}};
    first.on_log(args_, state_, logs);
    TensorBoardCallback second = std::move(first);
    logs["loss"] = 0.25;
    second.on_log(args_, state_, logs);
  }
  EXPECT_THAT(files(), SizeIs(1));
}

TEST_F(TensorBoardTest, CountsWhatItCannotWriteAndGoesOn) {
  const ScopedMessageCapture messages;
  std::ofstream(log_dir()) << "a file where the directory should be";
  {
    CallbackHandler handler(TensorBoardCallback({.log_dir = log_dir()}));
    handler.on_train_begin(args_, state_, control_);
    Logs logs{{"loss", 0.5}, {"epoch", 1.0}};
    for (int i = 0; i < 5; ++i) handler.on_log(args_, state_, control_, logs);
    handler.on_train_end(args_, state_, control_, RunEnd{});
  }
  EXPECT_THAT(messages.lines(), ElementsAre(HasSubstr("cannot be written"), HasSubstr("10 values could not be kept")));
}

}  // namespace
}  // namespace downbeat
