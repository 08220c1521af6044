// How a model is called with a batch, and what it may return.
//
//   Tensor forward(const Tensor& inputs);                  // logits; the loss is compute_loss_func's
//   ModelOutput forward(const Batch& batch);               // loss and logits, as HuggingFace's models
//   std::pair<Tensor, Tensor> forward(const MyBatch&);     // the same: first the loss, then the logits
//
// Both kinds of parameter go with each kind of result. forward(batch.inputs) is preferred where both would do.
//
//   ModelOutput forward(const Batch& batch, std::optional<int64_t> num_items_in_batch);
//
// A model that takes the number of labels other than -100 of the whole step divides the sum of its losses by it, as
// HuggingFace's do; its loss is then not divided by the substeps. Where it predicts the next token it says
// `static constexpr bool loss_shifts_labels = true;` and the first label of each sequence does not count; unless it
// also says `static constexpr bool counts_first_labels = true;`, as HuggingFace's Trainer does for classes without
// ForCausalLM in their name, GPT2LMHeadModel among them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "trainer/torch_step_policy.h"

namespace downbeat {

struct ModelOutput {
  at::Tensor loss;  // undefined where there are no labels
  at::Tensor logits;
};

template <class Model, class B>
concept TakesInputs = requires(Model& model, const B& batch) { model.forward(batch.inputs); };
template <class Model, class B>
concept TakesBatch = requires(Model& model, const B& batch) { model.forward(batch); };
template <class Model, class B>
concept TakesNumItems = requires(Model& model, const B& batch, std::optional<int64_t> n) {
  model.forward(batch, n);
  requires !requires { model.forward(batch, n, n); };  // one that takes anything, as torch::nn::Sequential
};
template <class Model, class B>
concept TakesEither = TakesInputs<Model, B> || TakesBatch<Model, B> || TakesNumItems<Model, B>;

template <class Model, class B>
constexpr ModelTraits model_traits() {
  ModelTraits traits{.takes_num_items_in_batch = TakesNumItems<Model, B>};
  if constexpr (requires { Model::loss_shifts_labels; }) traits.loss_shifts_labels = Model::loss_shifts_labels;
  if constexpr (requires { Model::counts_first_labels; }) traits.counts_first_labels = Model::counts_first_labels;
  return traits;
}

namespace internal {

template <class Output>
ForwardResult result_of(Output&& output) {
  if constexpr (std::is_convertible_v<Output, at::Tensor>) {
    return {.loss = {}, .logits = std::forward<Output>(output), .labels = {}, .inputs = {}, .num_items_in_batch = {}};
  } else if constexpr (requires { output.loss, output.logits; }) {
    return {.loss = output.loss, .logits = output.logits, .labels = {}, .inputs = {}, .num_items_in_batch = {}};
  } else if constexpr (requires { output.first, output.second; }) {
    return {.loss = output.first, .logits = output.second, .labels = {}, .inputs = {}, .num_items_in_batch = {}};
  } else {
    static_assert(sizeof(Output) == 0,
                  "downbeat: the model's forward() returns logits, or a loss and logits (ModelOutput or a pair)");
  }
}

}  // namespace internal

// The inputs that metrics see and whose tokens are counted: HuggingFace's name for them, or Batch's.
template <class B>
at::Tensor main_input(const B& batch) {
  if constexpr (requires { at::Tensor(batch.input_ids); }) {
    return batch.input_ids;
  } else if constexpr (requires { at::Tensor(batch.inputs); }) {
    return batch.inputs;
  } else {
    return {};
  }
}

// The tokens of a batch; nothing where its main input is no tensor. Those that are not padding are where the batch's
// attention_mask says so; all, where it has none.
template <class B>
std::optional<int64_t> count_tokens(const B& batch, bool non_padding) {
  const at::Tensor input = main_input(batch);
  if (!input.defined()) return std::nullopt;
  if constexpr (requires { at::Tensor(batch.attention_mask); }) {
    if (non_padding) return sum_of(batch.attention_mask);
  }
  return input.numel();
}

template <class B>
at::Tensor labels_of(const B& batch) {
  if constexpr (requires { at::Tensor(batch.labels); }) {
    return batch.labels;
  } else {
    return {};
  }
}

template <class Model, class B>
ForwardResult forward(Model& model, const B& batch, std::optional<int64_t> num_items_in_batch) {
  ForwardResult result;
  if constexpr (TakesNumItems<Model, B>) {
    result = internal::result_of(model.forward(batch, num_items_in_batch));
    result.num_items_in_batch = num_items_in_batch;
  } else if constexpr (TakesInputs<Model, B>) {
    result = internal::result_of(model.forward(batch.inputs));
  } else {
    result = internal::result_of(model.forward(batch));
  }
  result.labels = labels_of(batch);
  result.inputs = main_input(batch);
  return result;
}

template <class B>
B moved_to(B batch, at::Device device) {
  if constexpr (requires { batch.to(device); }) {
    return batch.to(device);
  } else {
    return batch;
  }
}

}  // namespace downbeat
