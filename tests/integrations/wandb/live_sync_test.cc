#include "integrations/wandb/live_sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "integrations/support/small_file.h"
#include "tests/integrations/wandb/environment_for_test.h"

namespace downbeat {
namespace {

using ::testing::HasSubstr;

// A directory of a run and, first on PATH, a program `wandb` that is this shell script.
class LiveSyncTest : public ::testing::Test {
 protected:
  void install(const std::string& script) {
    ASSERT_TRUE(write_small_file(root_ + "/bin/wandb", "#!/bin/sh\n" + script).ok());
    std::filesystem::permissions(root_ + "/bin/wandb", std::filesystem::perms::owner_all);
    setenv("PATH", absl::StrCat(root_, "/bin:", path_).c_str(), 1);
  }
  void TearDown() override { setenv("PATH", path_.c_str(), 1); }
  std::string output() const { return read_small_file(run_ + "/logs/sync.log").value_or(""); }
  void wait_for_output(const std::string& text) const {
    for (int i = 0; i < 6000 && output().find(text) == std::string::npos; ++i) absl::SleepFor(absl::Milliseconds(10));
    ASSERT_THAT(output(), HasSubstr(text));
  }

  const std::string path_ = std::getenv("PATH");
  const std::string root_ = empty_directory("live_sync");
  const std::string run_ = empty_directory("live_sync/a run's directory");
  const bool has_logs_ = std::filesystem::create_directory(run_ + "/logs");
};

TEST_F(LiveSyncTest, StartsTheOfficialProgramWithTheDirectory) {
  const EnvironmentForTest environment;
  install(
      "for word; do echo \"[$word]\"; done; read -r line || echo no input; echo resume=$WANDB_RESUME; ls /proc/self/fd "
      "| wc -l\n");
  LiveSync sync(run_, {});
  ASSERT_TRUE(sync.start().ok());
  sync.finish(absl::Seconds(60));
  EXPECT_EQ(output(), absl::StrCat("[beta]\n[sync]\n[--live]\n[--yes]\n[", run_, "]\nno input\nresume=\n4\n"));
}

TEST_F(LiveSyncTest, TellsItThatTheRunGoesOn) {
  const EnvironmentForTest environment;
  install("echo resume=$WANDB_RESUME\n");
  LiveSync sync(run_, {.resumes = true});
  ASSERT_TRUE(sync.start().ok());
  sync.finish(absl::Seconds(60));
  EXPECT_EQ(output(), "resume=allow\n");
}

TEST_F(LiveSyncTest, EndsAProgramThatDoesNot) {
  const EnvironmentForTest environment;
  install("trap '' INT TERM HUP\necho $$\nwhile true; do sleep 1000; done\n");
  LiveSync sync(run_, {});
  ASSERT_TRUE(sync.start().ok());
  wait_for_output("\n");
  const pid_t process = std::atoi(output().c_str());
  ASSERT_GT(process, 0);
  sync.finish(absl::ZeroDuration());
  for (int i = 0; i < 6000 && ::kill(process, 0) == 0; ++i) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_NE(::kill(process, 0), 0);
}

TEST_F(LiveSyncTest, LetsSignalsThroughThatThisThreadHoldsBack) {
  const EnvironmentForTest environment;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  install("grep SigBlk /proc/self/status\n");
  LiveSync sync(run_, {});
  ASSERT_TRUE(sync.start().ok());
  sync.finish(absl::Seconds(60));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(output(), "SigBlk:\t0000000000000000\n");
}

TEST_F(LiveSyncTest, KnowsWhetherThereIsAProgram) {
  const EnvironmentForTest environment;
  install("true\n");
  EXPECT_TRUE(LiveSync::is_installed());
  setenv("PATH", "/proc/no", 1);
  EXPECT_FALSE(LiveSync::is_installed());
}

}  // namespace
}  // namespace downbeat
