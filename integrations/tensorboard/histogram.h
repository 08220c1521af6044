// Histogram: how values are spread, in the buckets that torch.utils.tensorboard takes by default.
//
//   const Histogram histogram = histogram_of(values);
//
// The buckets' edges are 0 and +-1e-12 * 1.1^k up to 1e20, and the ends of double beyond, so that every finite value is
// in one. What is not finite is in none: it is counted apart, as the page cannot draw it.
#pragma once

#include <cstdint>
#include <vector>

namespace downbeat {

struct Histogram {
  // Of the finite values.
  double min = 0;
  double max = 0;
  double num = 0;
  double sum = 0;
  double sum_squares = 0;
  std::vector<double> bucket_limits = {};  // right edges, which belong to the next bucket; the first bucket is empty
  std::vector<double> buckets = {};        // how many values; from the first that has some to the last

  int64_t not_finite = 0;
};

Histogram histogram_of(const std::vector<float>& values);

}  // namespace downbeat
