// TensorDataset: a dataset that lies in two tensors.
//
//   TensorDataset train(torch::rand({1000, 64}), torch::randint(10, {1000}));
//
// For data that does not fit into memory write a class with size() and get(index); see dataset.h.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "trainer/data/batch.h"

namespace downbeat {

class TensorDataset {
 public:
  // `inputs` [n, ...] and `labels` [n, ...]; throws std::invalid_argument when the numbers of rows differ.
  explicit TensorDataset(at::Tensor inputs, at::Tensor labels = {});

  int64_t size() const { return inputs_.size(0); }
  Batch get_batch(Indices indices) const;

 private:
  at::Tensor inputs_;
  at::Tensor labels_;
};

}  // namespace downbeat
