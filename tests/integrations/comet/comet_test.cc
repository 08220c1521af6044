// CometCallback in a loop of one's own. What the real client makes of it: comet_offline_test.py, comet_online_test.py.
#include "integrations/comet/comet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "callbacks/pipeline/callback_handler.h"
#include "callbacks/vocabulary/message.h"
#include "callbacks/vocabulary/trainer_control.h"
#include "tests/integrations/comet/read_archive.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

static_assert(std::is_nothrow_move_constructible_v<CometCallback>);
static_assert(std::is_nothrow_move_assignable_v<CometCallback>);
static_assert(CometCallback::report_to_name == "comet_ml");

class CometTest : public ::testing::Test {
 protected:
  CometTest() {
    for (const char* name : {"COMET_MODE", "COMET_START_ONLINE", "COMET_API_KEY", "COMET_EXPERIMENT_KEY"}) {
      unsetenv(name);
    }
    directory_ = ::testing::TempDir() + "/" + ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(directory_);
    args_.output_dir = directory_ + "/out";
  }

  CometOptions offline() const { return {.online = false, .offline_directory = directory_ + "/comet"}; }

  // A service that is not there.
  CometOptions online() const {
    return {.api_key = "secret",
            .url = "http://127.0.0.1:1",
            .offline_directory = directory_ + "/comet",
            .finish_timeout_seconds = 0.2,
            .retry_after_seconds = 0.01};
  }

  template <class Handler>
  void train(Handler& handler, int64_t steps) {
    handler.on_init_end(args_, state_, control_);
    handler.on_train_begin(args_, state_, control_);
    for (; state_.global_step < steps;) {
      ++state_.global_step;
      Logs logs{{"loss", 1.0 / static_cast<double>(state_.global_step)}, {"tokens", state_.global_step}};
      handler.on_log(args_, state_, control_, logs);
    }
    fs::create_directories(args_.output_dir + "/checkpoint-1");
    handler.on_save(args_, state_, control_, Checkpoint{args_.output_dir + "/checkpoint-1", 1});
    handler.on_train_end(args_, state_, control_, RunEnd{});
    handler.on_predict(args_, state_, control_, Metrics{{"test_loss", 0.5}});
  }

  std::vector<std::string> archives() const {
    std::vector<std::string> paths;
    for (const auto& entry : fs::directory_iterator(directory_ + "/comet")) paths.push_back(entry.path());
    return paths;
  }

  static int64_t points_in(const std::string& archive) {
    const std::string messages = read_archive(archive).at("messages.json");
    int64_t count = 0;
    for (std::size_t at = 0; (at = messages.find("metric_msg", at)) != std::string::npos; ++at) ++count;
    return count;
  }

  std::string directory_;
  TrainingArguments args_;
  TrainerState state_{args_};
  TrainerControl control_;
  ScopedMessageCapture messages_;
};

TEST_F(CometTest, KeepsEveryLineOfALoopWithoutAModel) {
  {
    CallbackHandler handler{CometCallback(offline())};
    train(handler, 1000);
  }
  ASSERT_THAT(archives(), SizeIs(1));
  EXPECT_EQ(points_in(archives()[0]), 2001);
  EXPECT_THAT(messages_.lines(), SizeIs(0)) << messages_.text();
}

TEST_F(CometTest, MayBeMovedInTheMiddle) {
  {
    CallbackHandler first{CometCallback(offline())};
    train(first, 10);
    CallbackHandler second = std::move(first);
    Logs logs{{"loss", 0.5}};
    second.on_log(args_, state_, control_, logs);
  }
  ASSERT_THAT(archives(), SizeIs(1));
  EXPECT_EQ(points_in(archives()[0]), 22);
}

TEST_F(CometTest, ThatNeverBeginsLeavesNothing) {
  {
    CometCallback callback(offline());
  }
  EXPECT_FALSE(fs::exists(directory_ + "/comet"));
}

TEST_F(CometTest, KeepsEverythingOfAServiceThatIsDown) {
  {
    CallbackHandler handler{CometCallback(online())};
    train(handler, 200);
  }
  ASSERT_THAT(archives(), SizeIs(1));
  EXPECT_EQ(points_in(archives()[0]), 401);
  EXPECT_THAT(messages_.lines(),
              ElementsAre(HasSubstr("cannot be reached"), HasSubstr("comet upload " + archives()[0])));
  EXPECT_THAT(messages_.text(), Not(HasSubstr("secret")));
}

TEST_F(CometTest, NotesItsExperimentInACheckpoint) {
  {
    CallbackHandler handler{CometCallback(offline())};
    train(handler, 1);
  }
  std::ifstream file(args_.output_dir + "/checkpoint-1/comet_ml_run.json");
  std::string text;
  std::getline(file, text);
  const std::string key = fs::path(archives().at(0)).stem();
  EXPECT_EQ(text, R"({"experiment_key":")" + key + R"("})");
}

}  // namespace
}  // namespace downbeat
