// from_torch: a torch::data dataset as one of Downbeat's.
//
//   Trainer trainer(model, args, from_torch(torch::data::datasets::MNIST("mnist")), ...);
//
// Examples are fetched by the dataset's get_batch and stacked. torch::data's own samplers and loaders are not used: the
// order is HuggingFace's (sampler.h). Stateful and iterable datasets have no positions and do not fit.
#pragma once

#include <c10/util/ArrayRef.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "trainer/data/batch.h"
#include "trainer/data/collate.h"

namespace downbeat {

template <class TorchDatasetType>
class TorchDataset {
 public:
  explicit TorchDataset(TorchDatasetType dataset) : dataset_(std::make_shared<TorchDatasetType>(std::move(dataset))) {
    if (!dataset_->size().has_value()) throw std::invalid_argument("from_torch needs a dataset that knows its size");
  }

  int64_t size() const { return static_cast<int64_t>(*dataset_->size()); }

  Batch get_batch(Indices indices) const {
    const std::vector<std::size_t> positions(indices.begin(), indices.end());
    auto examples = dataset_->get_batch(positions);
    if constexpr (requires { examples.data, examples.target; }) {  // collated by the dataset (.map(Stack<>()))
      return {examples.data, examples.target};
    } else {
      return default_data_collator(examples);
    }
  }

 private:
  std::shared_ptr<TorchDatasetType> dataset_;  // shared: get_batch of torch::data is not const
};

template <class TorchDatasetType>
TorchDataset<TorchDatasetType> from_torch(TorchDatasetType dataset) {
  return TorchDataset<TorchDatasetType>(std::move(dataset));
}

}  // namespace downbeat
