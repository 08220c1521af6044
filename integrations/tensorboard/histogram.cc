#include "integrations/tensorboard/histogram.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace downbeat {
namespace {

const std::vector<double>& right_edges() {
  static const std::vector<double> all = [] {
    std::vector<double> edges;
    for (double edge = 1e-12; edge < 1e20; edge *= 1.1) edges.push_back(edge);
    const std::size_t positive = edges.size();
    edges.push_back(0);
    for (std::size_t i = 0; i < positive; ++i) edges.push_back(-edges[i]);
    std::sort(edges.begin(), edges.end());
    edges.push_back(std::numeric_limits<double>::max());
    return edges;
  }();
  return all;
}

std::size_t bucket_of(double value) {
  return static_cast<std::size_t>(std::upper_bound(right_edges().begin(), right_edges().end(), value) -
                                  right_edges().begin());
}

// Readers know right edges only: an empty bucket in front tells the left edge of the first.
void keep_used_buckets(const std::vector<double>& counts, Histogram& histogram) {
  const auto is_used = [](double count) { return count > 0; };
  const auto first = std::find_if(counts.begin(), counts.end(), is_used) - counts.begin();
  const auto end = counts.rend() - std::find_if(counts.rbegin(), counts.rend(), is_used);
  const std::vector<double>& edges = right_edges();
  histogram.bucket_limits.push_back(first > 0 ? edges[static_cast<std::size_t>(first - 1)]
                                              : std::numeric_limits<double>::lowest());
  histogram.buckets.push_back(0);
  histogram.bucket_limits.insert(histogram.bucket_limits.end(), edges.begin() + first, edges.begin() + end);
  histogram.buckets.insert(histogram.buckets.end(), counts.begin() + first, counts.begin() + end);
}

}  // namespace

Histogram histogram_of(const std::vector<float>& values) {
  Histogram histogram{.min = std::numeric_limits<double>::infinity(), .max = -std::numeric_limits<double>::infinity()};
  std::vector<double> counts(right_edges().size());
  for (const double value : values) {
    if (!std::isfinite(value)) {
      ++histogram.not_finite;
      continue;
    }
    histogram.min = std::min(histogram.min, value);
    histogram.max = std::max(histogram.max, value);
    histogram.sum += value;
    histogram.sum_squares += value * value;
    ++histogram.num;
    ++counts[bucket_of(value)];
  }
  if (histogram.num == 0) return {.not_finite = histogram.not_finite};
  keep_used_buckets(counts, histogram);
  return histogram;
}

}  // namespace downbeat
