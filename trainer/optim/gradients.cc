#include "trainer/optim/gradients.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <limits>

namespace downbeat {

double GradientNorm::value() const { return total.item<double>(); }

GradientNorm clip_grad_norm_(const std::vector<at::Tensor>& gradients, double max_norm) {
  const c10::NoGradGuard no_grad;
  if (gradients.empty()) return {at::zeros({})};
  const double limit = max_norm > 0 ? max_norm : std::numeric_limits<double>::infinity();
  const at::Tensor total = at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients, 2.0)), 2.0);
  // Python's `number / tensor` is reciprocal() * number, which is not a division in the last bit.
  const at::Tensor coefficient = at::clamp((total + 1e-6).reciprocal() * limit, std::nullopt, 1.0);
  at::_foreach_mul_(gradients, coefficient);
  return {total};
}

}  // namespace downbeat
