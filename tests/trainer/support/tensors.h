// Tensors whose values both C++ and reference_numbers.py hold without rounding, and their comparison.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace downbeat::testing {

// Multiples of 1/8 between -2.5 and 2.5; the same as fractions() in reference_numbers.py.
at::Tensor fractions(int64_t size, int64_t seed = 0);

at::Tensor int64s(std::vector<int64_t> values);

// Every bit of a float32 tensor, in order.
std::vector<float> floats(const at::Tensor& tensor);
inline std::vector<float> floats(std::span<const float> values) { return {values.begin(), values.end()}; }

std::vector<int64_t> integers(const at::Tensor& tensor);

}  // namespace downbeat::testing
