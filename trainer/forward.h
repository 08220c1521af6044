// How a model is called with a batch, and what it may return.
//
//   Tensor forward(const Tensor& inputs);                  // logits; the loss is compute_loss_func's
//   ModelOutput forward(const Batch& batch);               // loss and logits, as HuggingFace's models
//   std::pair<Tensor, Tensor> forward(const MyBatch&);     // the same: first the loss, then the logits
//
// Both kinds of parameter go with each kind of result. forward(batch.inputs) is preferred where both would do.
#pragma once

#include <ATen/core/Tensor.h>

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
concept TakesEither = TakesInputs<Model, B> || TakesBatch<Model, B>;

namespace internal {

template <class Output>
ForwardResult result_of(Output&& output) {
  if constexpr (std::is_convertible_v<Output, at::Tensor>) {
    return {{}, std::forward<Output>(output), {}};
  } else if constexpr (requires { output.loss, output.logits; }) {
    return {output.loss, output.logits, {}};
  } else if constexpr (requires { output.first, output.second; }) {
    return {output.first, output.second, {}};
  } else {
    static_assert(sizeof(Output) == 0,
                  "downbeat: the model's forward() returns logits, or a loss and logits (ModelOutput or a pair)");
  }
}

}  // namespace internal

template <class Model, class B>
ForwardResult forward(Model& model, const B& batch) {
  ForwardResult result;
  if constexpr (TakesInputs<Model, B>) {
    result = internal::result_of(model.forward(batch.inputs));
  } else {
    result = internal::result_of(model.forward(batch));
  }
  if constexpr (requires { result.labels = batch.labels; }) result.labels = batch.labels;
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
