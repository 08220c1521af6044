#include "callbacks/vocabulary/message.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace downbeat {
namespace {

class MessageTest : public ::testing::Test {
 protected:
  ~MessageTest() override { set_log_level(LogLevel::warning); }
};

void send_one_of_each() {
  debug("d");
  info("i");
  warn("w");
  error("e");
}

TEST_F(MessageTest, GoesToStandardErrorAsOneLine) {
  ::testing::internal::CaptureStderr();
  warn("the checkpoint's intervals win");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "downbeat: warning: the checkpoint's intervals win\n");
}

TEST_F(MessageTest, WarningsAndErrorsAreShownUnlessAskedOtherwise) {
  ScopedMessageCapture capture;
  send_one_of_each();
  EXPECT_EQ(capture.text(), "downbeat: warning: w\ndownbeat: error: e\n");
}

TEST_F(MessageTest, LevelDropsWhatIsLessImportant) {
  const std::pair<LogLevel, size_t> shown[] = {{LogLevel::detail, 4},  {LogLevel::debug, 4}, {LogLevel::info, 3},
                                               {LogLevel::warning, 2}, {LogLevel::error, 1}, {LogLevel::critical, 0}};
  for (const auto& [level, lines] : shown) {
    ScopedMessageCapture capture;
    set_log_level(level);
    EXPECT_EQ(log_level(), level);
    send_one_of_each();
    EXPECT_EQ(capture.lines().size(), lines) << to_string(level);
  }
}

TEST_F(MessageTest, PassiveLeavesTheLevelAsItIs) {
  set_log_level(LogLevel::info);
  set_log_level(LogLevel::passive);
  EXPECT_EQ(log_level(), LogLevel::info);
}

TEST_F(MessageTest, HooksTakeTheProgressBarAwayAndDrawItAgain) {
  ::testing::internal::CaptureStderr();
  {
    const MessageHooks bar([] { fputs("[clear]", stderr); }, [] { fputs("[draw]", stderr); });
    warn("w");
    info("not shown");
  }
  warn("after");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "[clear]downbeat: warning: w\n[draw]downbeat: warning: after\n");
}

TEST_F(MessageTest, InnerHooksAreClearedFirstAndDrawnLast) {
  std::string order;
  const MessageHooks outer([&] { order += "o"; }, [&] { order += "O"; });
  const MessageHooks inner([&] { order += "i"; }, [&] { order += "I"; });
  ::testing::internal::CaptureStderr();
  warn("w");
  ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(order, "ioOI");
}

TEST_F(MessageTest, InnermostCaptureGetsTheMessage) {
  ScopedMessageCapture outer;
  {
    ScopedMessageCapture inner;
    warn("inner");
    EXPECT_EQ(inner.lines(), std::vector<std::string>{"downbeat: warning: inner"});
  }
  warn("outer");
  EXPECT_EQ(outer.lines(), std::vector<std::string>{"downbeat: warning: outer"});
}

TEST_F(MessageTest, AMessageMayBeSentWhileTheTerminalIsHeld) {
  ScopedMessageCapture capture;
  const std::lock_guard lock(terminal_mutex());
  warn("w");
  EXPECT_EQ(capture.lines().size(), 1u);
}

TEST_F(MessageTest, LinesOfSeveralThreadsStayWhole) {
  ::testing::internal::CaptureStderr();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int line = 0; line < 100; ++line) warn("abcdefghij");
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string line = "downbeat: warning: abcdefghij\n";
  std::string expected;
  for (int i = 0; i < 400; ++i) expected += line;
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), expected);
}

}  // namespace
}  // namespace downbeat
