// Stacking examples into a batch: what happens to a dataset that has get(index) but neither collate nor get_batch.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "trainer/data/batch.h"

namespace downbeat {

// Stacks along a new first dimension; undefined when every element is.
at::Tensor stack_examples(const std::vector<at::Tensor>& tensors);
at::Tensor stack_examples(const std::vector<int64_t>& labels);
at::Tensor stack_examples(const std::vector<double>& targets);  // float32

namespace internal {

inline const at::Tensor& stackable(const at::Tensor& tensor) { return tensor; }
template <class T>
  requires std::is_integral_v<T>
int64_t stackable(T label) {
  return label;
}
template <class T>
  requires std::is_floating_point_v<T>
double stackable(T target) {
  return target;
}

// The two parts of an example: {inputs, labels}, {data, target} as in torch::data, or a pair.
template <class Example>
auto parts_of_example(const Example& example) {
  if constexpr (requires { stackable(example.inputs), stackable(example.labels); }) {
    return std::pair(stackable(example.inputs), stackable(example.labels));
  } else if constexpr (requires { stackable(example.data), stackable(example.target); }) {
    return std::pair(stackable(example.data), stackable(example.target));
  } else if constexpr (requires { stackable(example.first), stackable(example.second); }) {
    return std::pair(stackable(example.first), stackable(example.second));
  }
}

}  // namespace internal

template <class Example>
concept HasTwoParts = !std::is_void_v<decltype(internal::parts_of_example(std::declval<const Example&>()))>;

template <HasTwoParts Example>
Batch default_data_collator(const std::vector<Example>& examples) {
  using Parts = decltype(internal::parts_of_example(examples.front()));
  std::vector<typename Parts::first_type> inputs;
  std::vector<typename Parts::second_type> labels;
  inputs.reserve(examples.size());
  labels.reserve(examples.size());
  for (const Example& example : examples) {
    Parts parts = internal::parts_of_example(example);
    inputs.push_back(std::move(parts.first));
    labels.push_back(std::move(parts.second));
  }
  return {stack_examples(inputs), stack_examples(labels)};
}

}  // namespace downbeat
