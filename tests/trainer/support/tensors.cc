#include "tests/trainer/support/tensors.h"

#include <ATen/ops/tensor.h>

namespace downbeat::testing {

at::Tensor fractions(int64_t size, int64_t seed) {
  std::vector<float> values;
  for (int64_t i = 0; i < size; ++i) values.push_back(static_cast<float>((i * 37 + seed * 11) % 41 - 20) / 8);
  return at::tensor(values);
}

at::Tensor int64s(std::vector<int64_t> values) { return at::tensor(values, at::kLong); }

std::vector<float> floats(const at::Tensor& tensor) {
  const at::Tensor row = tensor.detach().to(at::kFloat).contiguous();
  return {row.const_data_ptr<float>(), row.const_data_ptr<float>() + row.numel()};
}

std::vector<int64_t> integers(const at::Tensor& tensor) {
  const at::Tensor row = tensor.contiguous();
  return {row.const_data_ptr<int64_t>(), row.const_data_ptr<int64_t>() + row.numel()};
}

}  // namespace downbeat::testing
