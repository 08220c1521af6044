#include "trainer/optim/gradients.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <limits>
#include <optional>

namespace downbeat {

double GradientNorm::value() const { return total.item<double>(); }

namespace {

// What the gradients are multiplied by; nothing where that is 1 and known without waiting for a device. Python's
// `number / tensor` is reciprocal() * number, which is not a division in the last bit.
std::optional<at::Tensor> clip_coefficient(const at::Tensor& total, double limit) {
  if (!total.is_cpu() || total.scalar_type() != at::kFloat) {
    return at::clamp((total + 1e-6).reciprocal() * limit, std::nullopt, 1.0);
  }
  // The same operations on float32 without four tensors, each of which costs about a microsecond.
  const float coefficient = 1.0F / (total.item<float>() + 1e-6F) * static_cast<float>(limit);
  if (coefficient >= 1) return std::nullopt;
  return at::scalar_tensor(coefficient);
}

}  // namespace

GradientNorm clip_grad_norm_(const std::vector<at::Tensor>& gradients, double max_norm) {
  const c10::NoGradGuard no_grad;
  if (gradients.empty()) return {at::zeros({})};
  const double limit = max_norm > 0 ? max_norm : std::numeric_limits<double>::infinity();
  const at::Tensor total = at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients, 2.0)), 2.0);
  if (const auto coefficient = clip_coefficient(total, limit)) at::_foreach_mul_(gradients, *coefficient);
  return {total};
}

}  // namespace downbeat
