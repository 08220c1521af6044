#include "integrations/wandb/histogram.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace downbeat {
namespace {

constexpr int kBins = 64;

std::vector<float> edges_between(double least, double greatest) {
  std::vector<float> edges(kBins + 1);
  const double width = (greatest - least) / kBins;
  for (int i = 0; i < kBins; ++i) edges[i] = static_cast<float>(least + width * i);
  edges[kBins] = static_cast<float>(greatest);
  return edges;
}

}  // namespace

std::optional<WatchedHistogram> watched_histogram(const std::vector<float>& values) {
  double least = std::numeric_limits<double>::infinity();
  double greatest = -least;
  double finite = 0;
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    least = std::min<double>(least, value);
    greatest = std::max<double>(greatest, value);
    ++finite;
  }
  if (finite == 0) return std::nullopt;
  if (least == greatest) {
    return WatchedHistogram{.counts = {finite}, .edges = {static_cast<float>(least), static_cast<float>(greatest)}};
  }

  WatchedHistogram histogram{.counts = std::vector<double>(kBins), .edges = edges_between(least, greatest)};
  const double bins_per_unit = kBins / (greatest - least);
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    const auto bin = static_cast<std::size_t>((value - least) * bins_per_unit);
    histogram.counts[std::min<std::size_t>(bin, kBins - 1)] += 1;
  }
  return histogram;
}

}  // namespace downbeat
