#include "integrations/tensorboard/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace downbeat {
namespace {

double sum_of(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

TEST(Histogram, TellsTheMomentsOfTheValues) {
  const Histogram histogram = histogram_of({-1, 2, 0.5F, 0});
  EXPECT_EQ(histogram.min, -1);
  EXPECT_EQ(histogram.max, 2);
  EXPECT_EQ(histogram.num, 4);
  EXPECT_EQ(histogram.sum, 1.5);
  EXPECT_EQ(histogram.sum_squares, 5.25);
}

TEST(Histogram, CountsEachValueOnce) {
  const Histogram histogram = histogram_of({-1, 2, 0.5F, 0, 0, 1e-30F, -1e-30F});
  EXPECT_EQ(sum_of(histogram.buckets), 7);
  EXPECT_EQ(histogram.bucket_limits.size(), histogram.buckets.size());
}

TEST(Histogram, PutsAnEdgeIntoTheBucketToItsRight) {
  const Histogram histogram = histogram_of({0});
  ASSERT_EQ(histogram.bucket_limits.size(), 2);
  EXPECT_EQ(histogram.bucket_limits, (std::vector<double>{0, 1e-12}));
  EXPECT_EQ(histogram.buckets, (std::vector<double>{0, 1}));
}

TEST(Histogram, HasAPlaceForTheLargestAndTheSmallest) {
  const float largest = std::numeric_limits<float>::max();
  const Histogram histogram = histogram_of({largest, -largest});
  EXPECT_EQ(sum_of(histogram.buckets), 2);
  EXPECT_EQ(histogram.bucket_limits.front(), std::numeric_limits<double>::lowest());
  EXPECT_EQ(histogram.bucket_limits.back(), std::numeric_limits<double>::max());
}

TEST(Histogram, KeepsWhatIsNotFiniteApart) {
  const float infinity = std::numeric_limits<float>::infinity();
  const Histogram histogram = histogram_of({1, std::nanf(""), infinity, -infinity});
  EXPECT_EQ(histogram.not_finite, 3);
  EXPECT_EQ(histogram.num, 1);
  EXPECT_EQ(histogram.min, 1);
  EXPECT_EQ(histogram.max, 1);
}

TEST(Histogram, OfNothingIsEmpty) {
  EXPECT_EQ(histogram_of({}).num, 0);
  EXPECT_TRUE(histogram_of({}).buckets.empty());
  EXPECT_EQ(histogram_of({std::nanf("")}).num, 0);
  EXPECT_EQ(histogram_of({std::nanf("")}).min, 0);
}

}  // namespace
}  // namespace downbeat
