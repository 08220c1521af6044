#include "trainer/data/tensor_dataset.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace downbeat {

TensorDataset::TensorDataset(at::Tensor inputs, at::Tensor labels)
    : inputs_(std::move(inputs)), labels_(std::move(labels)) {
  if (!inputs_.defined() || inputs_.dim() == 0) {
    throw std::invalid_argument("TensorDataset needs inputs with a first dimension of examples");
  }
  if (labels_.defined() && labels_.dim() == 0) {
    throw std::invalid_argument("TensorDataset needs labels with a first dimension of examples");
  }
  if (labels_.defined() && labels_.size(0) != inputs_.size(0)) {
    throw std::invalid_argument("TensorDataset has " + std::to_string(inputs_.size(0)) + " inputs but " +
                                std::to_string(labels_.size(0)) + " labels");
  }
}

Batch TensorDataset::get_batch(Indices indices) const {
  at::Tensor rows = at::from_blob(const_cast<int64_t*>(indices.data()), {static_cast<int64_t>(indices.size())},
                                  at::TensorOptions().dtype(at::kLong));
  if (!inputs_.is_cpu()) rows = rows.to(inputs_.device());  // asked first, as this costs more than making them
  return {at::index_select(inputs_, 0, rows), labels_.defined() ? at::index_select(labels_, 0, rows) : at::Tensor()};
}

}  // namespace downbeat
