#include "integrations/wandb/wandb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "callbacks/pipeline/callback_handler.h"
#include "callbacks/vocabulary/message.h"
#include "callbacks/vocabulary/trainer_control.h"
#include "integrations/support/small_file.h"
#include "integrations/wandb/previous_rows.h"
#include "integrations/wandb/run_directory.h"
#include "tests/integrations/wandb/environment_for_test.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

static_assert(std::is_nothrow_move_constructible_v<WandbCallback> && !std::is_copy_constructible_v<WandbCallback>);

class WandbTest : public ::testing::Test {
 protected:
  // A loop of one's own, without a model.
  void run_loop(WandbOptions options, int64_t steps = 3, const std::string& checkpoint = "") {
    options.dir = directory_;
    CallbackHandler handler((WandbCallback(std::move(options))));
    handler.on_init_end(args_, state_, control_);
    if (!checkpoint.empty()) handler.on_load_checkpoint(args_, state_, control_, Checkpoint{checkpoint, 0});
    handler.on_train_begin(args_, state_, control_);
    for (int64_t i = 0; i < steps; ++i) {
      ++state_.global_step;
      Logs logs{{"loss", 0.5}, {"note", std::string("text")}};
      handler.on_log(args_, state_, control_, logs);
    }
    const std::string saved = directory_ + "/checkpoint";
    fs::create_directories(saved);
    handler.on_save(args_, state_, control_, Checkpoint{saved, state_.global_step});
    handler.on_train_end(args_, state_, control_, RunEnd{});
    const Metrics metrics{{"test_loss", 0.25}};
    handler.on_predict(args_, state_, control_, metrics);
  }

  std::vector<std::string> files(const std::string& id) const { return files_of_run(directory_ + "/wandb", id); }

  const EnvironmentForTest environment_;
  const ScopedMessageCapture messages_;
  const std::string directory_ = empty_directory("wandb_test");
  TrainingArguments args_;
  TrainerState state_;
  TrainerControl control_;
};

TEST_F(WandbTest, WritesARowALineAndAPrediction) {
  run_loop({.run_id = "a", .mode = "offline"});
  ASSERT_EQ(files("a").size(), 1U);
  EXPECT_EQ(next_step_in_file(files("a")[0]), 4);
  EXPECT_THAT(messages_.lines(), IsEmpty());
}

TEST_F(WandbTest, SaysWhatUploadsARunThatHasNoKey) {
  run_loop({.run_id = "a"});
  ASSERT_EQ(messages_.lines().size(), 1U);
  const std::string run = fs::path(files("a")[0]).parent_path().string();
  EXPECT_THAT(messages_.lines()[0], AllOf(HasSubstr("no key for api.wandb.ai"), HasSubstr("`wandb sync " + run + "`")));
}

TEST_F(WandbTest, IsQuietWhereItIsAskedToBe) {
  setenv("WANDB_SILENT", "true", 1);
  run_loop({.run_id = "a"});
  EXPECT_THAT(messages_.lines(), IsEmpty());
  EXPECT_EQ(files("a").size(), 1U);
}

TEST_F(WandbTest, GoesOnWithTheRunOfACheckpoint) {
  run_loop({.run_id = "a", .mode = "offline"});  // saves after three rows, and writes a fourth
  set_log_level(LogLevel::info);
  run_loop({.mode = "offline"}, 2, directory_ + "/checkpoint");
  set_log_level(LogLevel::warning);
  ASSERT_EQ(files("a").size(), 2U);
  EXPECT_EQ(next_step_in_file(files("a")[1]), 7) << "behind the rows that came after the checkpoint";
  const std::string first = fs::path(files("a")[0]).parent_path().string();
  const std::string second = fs::path(files("a")[1]).parent_path().string();
  ASSERT_EQ(messages_.lines().size(), 1U);
  EXPECT_THAT(messages_.lines()[0], HasSubstr("`WANDB_RESUME=allow wandb sync " + first + " " + second + "`"));
}

TEST_F(WandbTest, BeginsANewRunWhereItIsAskedTo) {
  run_loop({.run_id = "a", .mode = "offline"});
  args_.report_to_new_run = true;
  run_loop({.mode = "offline"}, 2, directory_ + "/checkpoint");
  args_.report_to_new_run = false;
  run_loop({.run_id = "b", .mode = "offline"}, 2, directory_ + "/checkpoint");
  setenv("WANDB_RESUME", "never", 1);
  run_loop({.mode = "offline"}, 2, directory_ + "/checkpoint");
  EXPECT_EQ(files("a").size(), 1U);
  EXPECT_EQ(next_step_in_file(files("b").at(0)), 3);
}

TEST_F(WandbTest, BeginsANewRunWhereTheCheckpointTellsNonsense) {
  for (const char* text : {"", "[]", "{}", R"({"run_id": "../x", "next_step": 0})", R"({"run_id": 1, "next_step": 0})",
                           R"({"run_id": "x", "next_step": -1})", R"({"run_id": "x", "next_step": "y"})"}) {
    ASSERT_TRUE(write_small_file(directory_ + "/nonsense/wandb_run.json", text).ok());
    run_loop({.mode = "offline"}, 1, directory_ + "/nonsense");
  }
  EXPECT_THAT(files("x"), IsEmpty());
  EXPECT_THAT(messages_.lines(), IsEmpty());
}

TEST_F(WandbTest, GoesOnWithTheRunThatDidNotEndWell) {
  setenv("WANDB_RESUME", "auto", 1);
  const std::string note = directory_ + "/wandb/wandb-resume.json";
  ASSERT_TRUE(write_small_file(note, R"({"run_id": "unfinished"})").ok());
  run_loop({.mode = "offline"});
  EXPECT_EQ(files("unfinished").size(), 1U);
  EXPECT_FALSE(fs::exists(note)) << "it ended well";
}

TEST_F(WandbTest, NeedsARunThatItMustResume) {
  setenv("WANDB_RESUME", "must", 1);
  EXPECT_THROW(run_loop({.mode = "offline"}), std::invalid_argument);
  EXPECT_FALSE(fs::exists(directory_ + "/wandb"));
}

TEST_F(WandbTest, WritesNothingWhereItIsDisabled) {
  setenv("WANDB_RESUME", "must", 1);
  run_loop({.mode = "disabled"});
  EXPECT_FALSE(fs::exists(directory_ + "/wandb"));
  EXPECT_THAT(messages_.lines(), IsEmpty());
}

TEST_F(WandbTest, WritesNothingOnOtherProcesses) {
  state_.is_world_process_zero = false;
  run_loop({.mode = "offline", .log_model = "checkpoint", .watch = "all"});
  EXPECT_FALSE(fs::exists(directory_ + "/wandb"));
  EXPECT_THAT(messages_.lines(), IsEmpty());
}

TEST_F(WandbTest, WritesNothingWhereNothingHappens) {
  {
    const WandbCallback unused({.dir = directory_});
  }
  EXPECT_FALSE(fs::exists(directory_ + "/wandb"));
}

TEST_F(WandbTest, WarnsOfWhatNeedsAModelOrCheckpoints) {
  args_.save_strategy = SaveStrategy::no;
  run_loop({.mode = "offline", .log_model = "end", .watch = "all"});
  EXPECT_THAT(messages_.lines(), ElementsAre(HasSubstr("passes no ModelDescription"), HasSubstr("save_strategy is no"),
                                             HasSubstr("cannot be kept")));
}

TEST_F(WandbTest, KeepsTwoRunsOfOneSecondApart) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([this] {
      TrainerState state;
      TrainerControl control;
      CallbackHandler handler((WandbCallback({.run_id = "same", .dir = directory_, .mode = "offline"})));
      for (; state.global_step < 1000; ++state.global_step) {
        Logs logs{{"loss", 0.5}};
        handler.on_log(args_, state, control, logs);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(files("same").size(), 2U);
  for (const std::string& file : files("same")) EXPECT_EQ(next_step_in_file(file), 1000);
  EXPECT_THAT(messages_.lines(), IsEmpty());
}

}  // namespace
}  // namespace downbeat
