// Histograms of weights and gradients, as `wandb.watch` logs them.
//
//   watched_histogram(values)     // {"_type": "histogram", "values": [64 counts], "bins": [65 edges]}
#pragma once

#include <optional>
#include <vector>

namespace downbeat {

struct WatchedHistogram {
  std::vector<double> counts;
  std::vector<float> edges;  // one more
};

// 64 bins of equal width between the least and the greatest value; a single one where these are equal. NaN and
// infinities are left out; nothing where no other value is there.
std::optional<WatchedHistogram> watched_histogram(const std::vector<float>& values);

}  // namespace downbeat
