// How ReduceLROnPlateau and GreedyLR compare a metric with the best one so far.
#pragma once

#include <string>

namespace downbeat {

struct Comparison {
  std::string mode = "min";            // max: a larger metric is a better one
  std::string threshold_mode = "rel";  // abs
  double threshold = 1e-4;

  bool is_better(double value, double best) const;
  double worst() const;  // infinity, or minus infinity
};

}  // namespace downbeat
