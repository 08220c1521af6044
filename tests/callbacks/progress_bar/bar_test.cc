#include "callbacks/progress_bar/bar.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace downbeat {
namespace {

// Goes through the steps as a callback does; returns those at which the bar is drawn.
std::vector<int64_t> drawn_steps(ProgressBar& bar, int64_t from, int64_t to, double seconds_a_step, double now = 0,
                                 int* looks = nullptr) {
  std::vector<int64_t> drawn;
  for (int64_t n = from; n <= to; ++n) {
    now += seconds_a_step;
    if (n < bar.next_look()) continue;
    if (looks != nullptr) ++*looks;
    if (bar.advance(n, now)) drawn.push_back(n);
  }
  return drawn;
}

TEST(ProgressBarTest, IsDrawnAtEachSlowStep) {
  ProgressBar bar({.total = 5}, kLivePace, 0);
  EXPECT_EQ(drawn_steps(bar, 1, 5, 1.0), (std::vector<int64_t>{1, 2, 3, 4, 5}));
}

TEST(ProgressBarTest, IsDrawnAtMostEveryTenthOfASecond) {
  ProgressBar bar({.total = 20}, kLivePace, 0);
  EXPECT_EQ(drawn_steps(bar, 1, 20, 0.03125), (std::vector<int64_t>{4, 8, 12, 16, 20}));
}

TEST(ProgressBarTest, LooksAtTheClockOnceInSixtyFourQuickSteps) {
  ProgressBar bar({.total = 1'000'000}, kLivePace, 0);
  int looks = 0;
  drawn_steps(bar, 1, 640'000, 1e-6, 0, &looks);
  EXPECT_LE(looks, 10'010);
}

TEST(ProgressBarTest, WakesUpSoonWhenStepsBecomeSlow) {
  ProgressBar bar({.total = 1000}, kLivePace, 0);
  drawn_steps(bar, 1, 300, 0.001, 0);
  EXPECT_LE(bar.next_look(), 320);  // twenty steps of a second each, not a thousand
  drawn_steps(bar, 301, 330, 1.0, 0.3);
  EXPECT_EQ(bar.next_look(), 331);
}

TEST(ProgressBarTest, IsNotPutToSleepByOneQuickStep) {
  ProgressBar bar({.total = 1000}, kLivePace, 0);
  bar.advance(1, 1.0);
  bar.advance(2, 1.0);
  EXPECT_EQ(bar.next_look(), 4);
}

TEST(ProgressBarTest, WritesLinesAtTenPercentAndTenSecondsOrAfterAMinute) {
  ProgressBar quick({.total = 1000}, kLinesPace, 0);
  EXPECT_EQ(drawn_steps(quick, 1, 1000, 0.005), (std::vector<int64_t>{}));
  ProgressBar steady({.total = 100}, kLinesPace, 0);
  EXPECT_EQ(drawn_steps(steady, 1, 30, 1.0), (std::vector<int64_t>{10, 20, 30}));
  ProgressBar slow({.total = 100}, kLinesPace, 0);
  EXPECT_EQ(drawn_steps(slow, 1, 9, 30.0), (std::vector<int64_t>{2, 4, 6, 8}));
  ProgressBar endless({}, kLinesPace, 0);
  EXPECT_EQ(drawn_steps(endless, 1, 130, 1.0), (std::vector<int64_t>{60, 120}));
}

TEST(ProgressBarTest, WeighsTheLastIntervalsMoreAsTqdmDoes) {
  ProgressBar bar({.total = 100}, kLivePace, 0);
  EXPECT_FALSE(bar.meter(0).rate.has_value());
  bar.advance(10, 1);
  EXPECT_DOUBLE_EQ(*bar.meter(1).rate, 10);
  bar.advance(12, 2);
  // (0.3 * 2 + 0.7 * 0.3 * 10) / (0.3 + 0.7 * 0.3)
  EXPECT_DOUBLE_EQ(*bar.meter(2).rate, 2.7 / 0.51);
  EXPECT_FALSE(bar.final_meter(2).rate.has_value());
}

TEST(ProgressBarTest, CountsARateFromWhereItStarted) {
  ProgressBar bar({.total = 300, .initial = 100}, kLivePace, 0);
  EXPECT_EQ(bar.next_look(), 101);
  bar.advance(120, 2);
  EXPECT_DOUBLE_EQ(*bar.meter(2).rate, 10);
  EXPECT_EQ(format_meter(bar.final_meter(2), {}), " 40%|████      | 120/300 [00:02<00:18, 10.00it/s]");
}

}  // namespace
}  // namespace downbeat
