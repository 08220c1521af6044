#include "trainer/evaluation/numpy_mean.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace downbeat {
namespace {

struct SizeAndMean {
  int64_t size;
  double mean;
};

#include "tests/trainer/evaluation/numpy_means.inc"

// The values of reference_numbers.py for an array of this size.
std::vector<float> values(int64_t size) {
  std::vector<float> all;
  for (int64_t i = 0; i < size; ++i) {
    all.push_back(static_cast<float>(static_cast<double>((i * 7919 + size) % 1009) / 97));
  }
  return all;
}

TEST(NumpyMean, IsNumpysToTheLastBitAroundTheEdgesOfItsBlocks) {
  for (const SizeAndMean& c : kMeans) EXPECT_EQ(numpy_mean(values(c.size)), c.mean) << c.size << " values";
}

TEST(NumpyMean, IsNumpysToTheLastBitForEverySizeUpTo2000) {
  uint64_t digest = 0xCBF29CE484222325;
  for (int64_t size = 1; size <= 2000; ++size) {
    const auto bits = std::bit_cast<uint32_t>(static_cast<float>(numpy_mean(values(size))));
    for (int byte = 0; byte < 4; ++byte) digest = (digest ^ ((bits >> (8 * byte)) & 0xFF)) * 0x100000001B3;
  }
  EXPECT_EQ(digest, kDigestOfMeans);
}

TEST(NumpyMean, OfNothingIsNaNAndOneNaNIsEnough) {
  EXPECT_TRUE(std::isnan(numpy_mean({})));
  const std::vector<float> with_nan = {1, 2, std::nanf(""), 4};
  EXPECT_TRUE(std::isnan(numpy_mean(with_nan)));
}

}  // namespace
}  // namespace downbeat
