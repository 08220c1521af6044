#include "trainer/optim/comparison.h"

#include <limits>

namespace downbeat {

bool Comparison::is_better(double value, double best) const {
  const bool is_relative = threshold_mode == "rel";
  if (mode == "min") return value < (is_relative ? best * (1.0 - threshold) : best - threshold);
  return value > (is_relative ? best * (threshold + 1.0) : best + threshold);
}

double Comparison::worst() const {
  const double infinity = std::numeric_limits<double>::infinity();
  return mode == "min" ? infinity : -infinity;
}

}  // namespace downbeat
