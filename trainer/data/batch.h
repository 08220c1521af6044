// Batch: inputs and labels of some examples, as a dataset gives them to a model.
//
// Models with several inputs use a struct of their own: any type that the model's forward() takes will do. Where it has
// a member `labels`, metrics see them; where it has `to(device)`, it is moved to the device of the run.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

namespace downbeat {

struct Batch {
  at::Tensor inputs;  // [batch, ...]
  at::Tensor labels;  // [batch, ...]; may be undefined

  Batch to(at::Device device) const;
};

// Which examples a batch is made of: positions in the dataset, in the order of the batch.
using Indices = std::span<const int64_t>;

}  // namespace downbeat
