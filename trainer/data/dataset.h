// What a dataset is: any type with size() and get(index) or get_batch(indices).
//
//   struct Squares {                                            // get_batch: the fastest, no collating
//     int64_t size() const { return 100; }
//     Batch get_batch(Indices indices) const;
//   };
//   struct Sentences {                                          // get and collate
//     int64_t size() const;
//     Sentence get(int64_t index) const;
//     Padded collate(const std::vector<Sentence>& sentences) const;
//   };
//
// With dataloader_num_workers it is asked by several threads at once; with train_sampling_strategy=group_by_length it
// has int64_t length(index) as well. Without collate, examples with two tensors ({inputs, labels}, {data, target} or a
// pair) are stacked; Trainer's data_collator replaces both. A torch::data dataset is wrapped by from_torch
// (torch_dataset.h).
#pragma once

#include <concepts>
#include <functional>
#include <vector>

#include "trainer/data/batch.h"
#include "trainer/data/collate.h"

namespace downbeat {

template <class D>
concept HasSize = requires(const D& data) {
  { data.size() } -> std::convertible_to<int64_t>;
};
template <class D>
concept HasGetBatch = HasSize<D> && requires(const D& data, Indices indices) { data.get_batch(indices); };
template <class D>
concept HasGet = HasSize<D> && requires(const D& data, int64_t index) { data.get(index); };

// What train_sampling_strategy=group_by_length asks for: the number of tokens of one example.
template <class D>
concept HasLength = HasSize<D> && requires(const D& data, int64_t index) {
  { data.length(index) } -> std::convertible_to<int64_t>;
};

// Empty where the dataset has none.
template <HasSize D>
std::vector<int64_t> lengths_of(const D& data) {
  std::vector<int64_t> lengths;
  if constexpr (HasLength<D>) {
    for (int64_t i = 0; i < static_cast<int64_t>(data.size()); ++i) lengths.push_back(data.length(i));
  }
  return lengths;
}

template <class D>
struct ExampleOfDataset {
  using type = void;
};
template <HasGet D>
struct ExampleOfDataset<D> {
  using type = std::remove_cvref_t<decltype(std::declval<const D&>().get(int64_t{}))>;
};
template <class D>
using ExampleOf = typename ExampleOfDataset<D>::type;

template <class D>
concept HasCollate =
    HasGet<D> && requires(const D& data, const std::vector<ExampleOf<D>>& examples) { data.collate(examples); };

template <class D>
concept Dataset = HasGetBatch<D> || HasCollate<D> || (HasGet<D> && HasTwoParts<ExampleOf<D>>);

// Where there is no evaluation set.
struct NoDataset {
  int64_t size() const { return 0; }
  Batch get_batch(Indices) const { return {}; }
};

// How get() is made into a batch. Empty: the dataset's own collate, or stacking.
template <class D>
struct DataCollatorOf {
  struct type {};  // a dataset with get_batch has nothing to collate
};
template <Dataset D>
  requires(!HasGetBatch<D>)
struct DataCollatorOf<D> {
  static auto collate(const D& data, const std::vector<ExampleOf<D>>& examples) {
    if constexpr (HasCollate<D>) {
      return data.collate(examples);
    } else {
      return default_data_collator(examples);
    }
  }
  using BatchType = decltype(collate(std::declval<const D&>(), std::declval<const std::vector<ExampleOf<D>>&>()));
  using type = std::function<BatchType(const std::vector<ExampleOf<D>>&)>;
};
template <class D>
using DataCollator = typename DataCollatorOf<D>::type;

template <Dataset D>
auto batch_of(const D& data, const DataCollator<D>& data_collator, Indices indices) {
  if constexpr (HasGetBatch<D>) {
    return data.get_batch(indices);
  } else {
    std::vector<ExampleOf<D>> examples;
    examples.reserve(indices.size());
    for (const int64_t index : indices) examples.push_back(data.get(index));
    return data_collator ? data_collator(examples) : DataCollatorOf<D>::collate(data, examples);
  }
}
template <class D>
using BatchOf =
    decltype(batch_of(std::declval<const D&>(), std::declval<const DataCollator<D>&>(), std::declval<Indices>()));

}  // namespace downbeat
