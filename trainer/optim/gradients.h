// Gradients: what hooks see from on_gradients_ready to on_optimizer_step; and their clipping.
//
//   void on_gradients_ready(Gradients& gradients) { for (auto& gradient : gradients.tensors) gradient.add_(noise); }
//   void on_pre_optimizer_step(const GradientNorm& norm) { if (norm.value() > 10) ... }
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

namespace downbeat {

using NamedParameters = std::vector<std::pair<std::string, at::Tensor>>;

// One entry a parameter that has a gradient, in the order of the model's parameters. The tensors are the gradients
// themselves: changing them in place (under no_grad) changes the step.
struct Gradients {
  std::vector<at::Tensor> tensors;
  std::vector<std::string> names;
};

// The 2-norm over all gradients before clipping, a tensor of no dimensions on the device of the model.
struct GradientNorm {
  at::Tensor total;
  double value() const;  // waits for the device
};

// Scales the gradients so that their norm is at most `max_norm`, in the operations and the order of
// torch.nn.utils.clip_grad_norm_ (foreach); the result is the norm before. `max_norm` of 0 or less means no limit: the
// gradients are multiplied by 1.
GradientNorm clip_grad_norm_(const std::vector<at::Tensor>& gradients, double max_norm);

}  // namespace downbeat
