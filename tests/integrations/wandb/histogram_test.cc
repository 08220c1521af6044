#include "integrations/wandb/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

namespace downbeat {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(WatchedHistogram, HasSixtyFourBinsOfEqualWidth) {
  const auto histogram = watched_histogram({0, 1, 2, 64, 63.5F});
  ASSERT_TRUE(histogram);
  ASSERT_EQ(histogram->counts.size(), 64U);
  ASSERT_EQ(histogram->edges.size(), 65U);
  EXPECT_EQ(histogram->counts[0], 1);
  EXPECT_EQ(histogram->counts[1], 1);
  EXPECT_EQ(histogram->counts[2], 1);
  EXPECT_EQ(histogram->counts[63], 2) << "the greatest value belongs to the last bin";
  EXPECT_EQ(histogram->edges[1], 1);
  EXPECT_EQ(histogram->edges[64], 64);
}

TEST(WatchedHistogram, HasOneBinForEqualValues) {
  const auto histogram = watched_histogram({0.5F, 0.5F, 0.5F});
  ASSERT_TRUE(histogram);
  EXPECT_EQ(histogram->counts, std::vector<double>{3});
  EXPECT_EQ(histogram->edges, (std::vector<float>{0.5F, 0.5F}));
}

TEST(WatchedHistogram, LeavesOutWhatIsNotFinite) {
  const auto histogram = watched_histogram({std::nanf(""), kInfinity, -kInfinity, 1, 2});
  ASSERT_TRUE(histogram);
  EXPECT_EQ(std::accumulate(histogram->counts.begin(), histogram->counts.end(), 0.0), 2);
  EXPECT_FALSE(watched_histogram({std::nanf(""), kInfinity}));
  EXPECT_FALSE(watched_histogram({}));
}

TEST(WatchedHistogram, HoldsTheWholeRangeOfFloat) {
  constexpr float kMax = std::numeric_limits<float>::max();
  const auto histogram = watched_histogram({-kMax, 0, kMax});
  ASSERT_TRUE(histogram);
  EXPECT_EQ(histogram->counts[0], 1);
  EXPECT_EQ(histogram->counts[32], 1);
  EXPECT_EQ(histogram->counts[63], 1);
}

}  // namespace
}  // namespace downbeat
