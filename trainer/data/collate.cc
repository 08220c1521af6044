#include "trainer/data/collate.h"

#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

namespace downbeat {

at::Tensor stack_examples(const std::vector<at::Tensor>& tensors) {
  return tensors.empty() || !tensors.front().defined() ? at::Tensor() : at::stack(tensors);
}
at::Tensor stack_examples(const std::vector<int64_t>& labels) { return at::tensor(labels, at::kLong); }
at::Tensor stack_examples(const std::vector<double>& targets) { return at::tensor(targets, at::kFloat); }

}  // namespace downbeat
