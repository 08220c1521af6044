#include "integrations/support/background_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "callbacks/vocabulary/message.h"

namespace downbeat {
namespace {

using testing::ElementsAre;

TrainerState at(int64_t step) {
  TrainerState state;
  state.global_step = step;
  return state;
}

TEST(BackgroundWriter, WritesInOrderOnAnotherThreadAndFlushes) {
  std::vector<int64_t> steps;
  std::thread::id writing;
  int flushes = 0;
  BackgroundWriter writer(
      "Test",
      [&](const LogRecord& record) {
        steps.push_back(record.step);
        writing = std::this_thread::get_id();
      },
      [&] { ++flushes; });
  writer.log(at(1), {{"loss", 1.0}});
  writer.post([&] { steps.push_back(-1); });
  writer.predicted(at(2), {{"test_loss", 1.0}});
  writer.drain();
  EXPECT_THAT(steps, ElementsAre(1, -1, 2));
  EXPECT_EQ(flushes, 1);
  EXPECT_NE(writing, std::this_thread::get_id());
}

TEST(BackgroundWriter, WritesWithoutBeingAsked) {
  std::atomic<bool> written = false;
  BackgroundWriter writer("Test", [&](const LogRecord&) { written = true; }, [] {});
  writer.log(at(1), {{"loss", 1.0}});
  while (!written) std::this_thread::yield();
}

TEST(BackgroundWriter, WritesWhatIsLeftWhenItEnds) {
  int64_t lines = 0;
  {
    BackgroundWriter writer("Test", [&](const LogRecord&) { ++lines; }, [] {}, {.period = absl::Hours(1)});
    for (int i = 0; i < 1000; ++i) writer.log(at(i), {{"loss", 1.0}});
  }
  EXPECT_EQ(lines, 1000);
}

TEST(BackgroundWriter, SaysOnceWhatIsThrownAndGoesOn) {
  const ScopedMessageCapture messages;
  std::vector<int64_t> steps;
  BackgroundWriter writer(
      "Test",
      [&](const LogRecord& record) {
        if (record.step % 2 == 0) throw std::runtime_error("no even steps");
        steps.push_back(record.step);
      },
      [] {});
  for (int step = 1; step <= 5; ++step) writer.log(at(step), {{"loss", 1.0}});
  writer.post([] { throw std::runtime_error("no tasks"); });
  writer.log(at(7), {{"loss", 1.0}});
  writer.drain();
  EXPECT_THAT(steps, ElementsAre(1, 3, 5, 7));
  EXPECT_THAT(messages.lines(), ElementsAre("downbeat: warning: Test: not everything can be written: no even steps"));
}

TEST(BackgroundWriter, SaysHowManyValuesItDropped) {
  const ScopedMessageCapture messages;
  BackgroundWriter writer("Test", [](const LogRecord&) {}, [] {}, {.limit = 0});
  writer.report_dropped();
  const std::string line(100'000, 'x');  // longer than the piece of memory that is always there
  for (int step = 1; step <= 3; ++step) writer.log(at(step), {{"text", line}, {"loss", 1.0}});
  writer.report_dropped();
  EXPECT_THAT(messages.lines(), ElementsAre("downbeat: warning: Test: 6 values were dropped, as the disk took them up "
                                            "more slowly than they came"));
}

TEST(BackgroundWriter, LeavesSignalsToTheThreadThatTrains) {
  sigset_t blocked;
  sigemptyset(&blocked);
  BackgroundWriter writer("Test", [](const LogRecord&) {}, [] {});
  writer.post([&] { pthread_sigmask(SIG_SETMASK, nullptr, &blocked); });
  writer.drain();
  EXPECT_TRUE(sigismember(&blocked, SIGINT));
  EXPECT_TRUE(sigismember(&blocked, SIGTERM));
}

}  // namespace
}  // namespace downbeat
