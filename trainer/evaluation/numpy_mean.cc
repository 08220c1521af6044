#include "trainer/evaluation/numpy_mean.h"

namespace downbeat {
namespace {

float pairwise_sum(std::span<const float> values) {
  const std::size_t n = values.size();
  if (n < 8) {
    float sum = 0;
    for (const float value : values) sum += value;
    return sum;
  }
  if (n > 128) {
    std::size_t half = n / 2;
    half -= half % 8;
    return pairwise_sum(values.first(half)) + pairwise_sum(values.subspan(half));
  }
  float r[8];
  for (std::size_t j = 0; j < 8; ++j) r[j] = values[j];
  std::size_t i = 8;
  for (; i + 8 <= n; i += 8) {
    for (std::size_t j = 0; j < 8; ++j) r[j] += values[i + j];
  }
  float sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  for (; i < n; ++i) sum += values[i];
  return sum;
}

}  // namespace

double numpy_mean(std::span<const float> values) {
  return static_cast<double>(pairwise_sum(values) / static_cast<float>(values.size()));
}

}  // namespace downbeat
