// MLflowCallback in a loop of one's own. What the real client makes of it: the tests in Python.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "callbacks/pipeline/callback_handler.h"
#include "callbacks/vocabulary/message.h"
#include "callbacks/vocabulary/trainer_control.h"
#include "integrations/mlflow/mlflow.h"
#include "integrations/mlflow/sqlite.h"
#include "integrations/support/run_identity.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

static_assert(std::is_nothrow_move_constructible_v<MLflowCallback>);
static_assert(std::is_nothrow_move_assignable_v<MLflowCallback>);
static_assert(MLflowCallback::report_to_name == "mlflow");

class MLflowCallbackTest : public ::testing::Test {
 protected:
  MLflowCallbackTest() {
    for (const char* name : {"MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID", "MLFLOW_TAGS",
                             "MLFLOW_MAX_LOG_PARAMS", "DISABLE_MLFLOW_INTEGRATION"}) {
      unsetenv(name);
    }
    fs::remove_all(directory_);
    args_.output_dir = directory_ + "/out";
    fs::create_directories(checkpoint_.directory);
  }

  MLflowCallback callback() const { return MLflowCallback({.tracking_uri = "sqlite:///" + directory_ + "/m.db"}); }

  template <class Handler>
  void log(Handler& handler, int64_t times) {
    for (int64_t i = 0; i < times; ++i) {
      ++state_.global_step;
      Logs logs{{"loss", 1.0 / static_cast<double>(state_.global_step)}, {"tokens", state_.global_step}};
      handler.on_log(args_, state_, control_, logs);
    }
  }

  template <class Handler>
  void train(Handler& handler, int64_t steps) {
    handler.on_init_end(args_, state_, control_);
    handler.on_train_begin(args_, state_, control_);
    log(handler, steps);
    handler.on_save(args_, state_, control_, checkpoint_);
    handler.on_train_end(args_, state_, control_, RunEnd{});
  }

  std::string value(const std::string& statement) const {
    const auto rows = SqliteFile(directory_ + "/m.db", absl::Seconds(60)).rows(statement);
    return rows.ok() && rows->size() == 1 ? rows->front().front() : "(not one)";
  }

  const std::string directory_ = ::testing::TempDir() + "/mlflow_callback";
  const Checkpoint checkpoint_{directory_ + "/out/checkpoint-8", 8};
  TrainingArguments args_;
  TrainerState state_{args_};
  TrainerControl control_;
  ScopedMessageCapture messages_;
};

TEST_F(MLflowCallbackTest, KeepsEveryLineOfALoopWithoutAModel) {
  {
    CallbackHandler handler{callback()};
    train(handler, 1000);
    log(handler, 1);  // of an evaluation after the training
  }
  EXPECT_EQ(value("SELECT count(*) FROM metrics"), "2002");
  EXPECT_EQ(value("SELECT status FROM runs"), "FINISHED");
  EXPECT_THAT(messages_.lines(), IsEmpty());
  EXPECT_FALSE(fs::exists(args_.output_dir + "/mlflow"));
}

TEST_F(MLflowCallbackTest, MayBeMovedInTheMiddle) {
  {
    CallbackHandler first{callback()};
    train(first, 10);
    CallbackHandler second = std::move(first);
    log(second, 1);
  }
  EXPECT_EQ(value("SELECT count(*) FROM metrics"), "22");
}

TEST_F(MLflowCallbackTest, ThatNeverBeginsLeavesNothing) {
  {
    CallbackHandler handler{callback()};
  }
  EXPECT_FALSE(fs::exists(directory_ + "/m.db"));
}

TEST_F(MLflowCallbackTest, OfAnotherProcessOfTheTrainingWritesNothing) {
  state_.is_world_process_zero = false;
  {
    CallbackHandler handler{callback()};
    train(handler, 10);
  }
  EXPECT_FALSE(fs::exists(directory_ + "/m.db"));
  EXPECT_EQ(run_of(checkpoint_.directory, "mlflow"), std::nullopt);
}

TEST_F(MLflowCallbackTest, GoesOnInTheRunOfItsCheckpoint) {
  for (int training = 0; training < 2; ++training) {
    CallbackHandler handler{callback()};
    handler.on_init_end(args_, state_, control_);
    if (training > 0) handler.on_load_checkpoint(args_, state_, control_, checkpoint_);
    train(handler, 8);
  }
  EXPECT_EQ(value("SELECT count(*) FROM metrics"), "32");
  EXPECT_EQ(value("SELECT run_uuid FROM tags WHERE key = 'downbeat.key'"), value("SELECT run_uuid FROM runs"));
  EXPECT_EQ(value("SELECT value FROM tags WHERE key = 'downbeat.key'"),
            run_of(checkpoint_.directory, "mlflow")->at("key"));
}

TEST_F(MLflowCallbackTest, MakesANewRunForAnotherTraining) {
  {
    CallbackHandler handler{callback()};
    for (int training = 0; training < 2; ++training) train(handler, 8);
  }
  EXPECT_EQ(value("SELECT count(*) FROM runs"), "2");
}

TEST_F(MLflowCallbackTest, KeepsEverythingOfAServerThatIsDown) {
  {
    CallbackHandler handler{
        MLflowCallback({.tracking_uri = "http://ada:secret@127.0.0.1:1", .finish_timeout_seconds = 0.2})};
    train(handler, 100);
  }
  EXPECT_THAT(messages_.lines(),
              ElementsAre(HasSubstr("http://127.0.0.1:1 cannot be reached"), HasSubstr("downbeat-mlflow-replay")));
  EXPECT_TRUE(fs::exists(args_.output_dir + "/mlflow"));
}

TEST_F(MLflowCallbackTest, ThrowsForSettingsThatCannotBeMeant) {
  setenv("MLFLOW_TAGS", "{", 1);
  CallbackHandler handler{callback()};
  EXPECT_THROW(handler.on_init_end(args_, state_, control_), std::invalid_argument);
  setenv("DISABLE_MLFLOW_INTEGRATION", "1", 1);
  EXPECT_NO_THROW(handler.on_init_end(args_, state_, control_));
}

}  // namespace
}  // namespace downbeat
