// The mean that numpy computes: float32 throughout, summed pairwise.
#pragma once

#include <span>

namespace downbeat {

// numpy.mean of a float32 array, widened to double: numpy's sum (pairwise in blocks of 128, eight accumulators; see
// pairwise_sum in numpy/_core/src/umath/loops_utils.h.src) divided by the count in float32. NaN for an empty array.
double numpy_mean(std::span<const float> values);

}  // namespace downbeat
