#include "trainer/optim/adafactor.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/norm.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <cmath>

namespace downbeat {
namespace {

enum Which { kStep, kRow, kColumn, kExpAvgSq, kRms };

at::Tensor root_mean_square(const at::Tensor& tensor) {
  return tensor.norm(2) / std::pow(static_cast<double>(tensor.numel()), 0.5);
}

// The square root of the product of the two factors' approximation, inverted.
at::Tensor inverse_root(const at::Tensor& row, const at::Tensor& column) {
  const at::Tensor row_factor = (row / row.mean(-1, /*keepdim=*/true)).rsqrt_().unsqueeze(-1);
  return at::mul(row_factor, column.unsqueeze(-2).rsqrt());
}

bool is_short(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kHalf || tensor.scalar_type() == at::kBFloat16;
}

}  // namespace

Adafactor::Adafactor(std::vector<ParameterGroup> groups)
    : Optimizer(std::move(groups), {{"step", StateKind::whole_step},
                                    {"exp_avg_sq_row", StateKind::rows, true},
                                    {"exp_avg_sq_col", StateKind::columns, true},
                                    {"exp_avg_sq", StateKind::like_parameter, true},
                                    {"RMS", StateKind::scalar}}),
      settings_(param_groups().size()) {}

void Adafactor::list_options(std::size_t group, Options& options) {
  Settings& settings = settings_[group];
  options.number("weight_decay", param_groups()[group].weight_decay);
  options.number("lr", param_groups()[group].lr);
  options.pair("eps", settings.eps, settings.parameter_scale);
  options.number("clip_threshold", settings.clip_threshold);
  options.number("decay_rate", settings.decay_rate);
  options.fixed("beta1", PythonValue());
  options.fixed("scale_parameter", false);
  options.fixed("relative_step", false);
  options.fixed("warmup_init", false);
}

void Adafactor::begin_state(std::size_t group, std::size_t i, const at::Tensor& gradient) {
  at::Tensor& steps = state(group, kStep)[i];
  if (!steps.defined()) steps = at::zeros({}, at::kFloat);
  const auto begin = [&](Which which, StateKind kind, bool is_needed) {
    at::Tensor& tensor = state(group, which)[i];
    if (is_needed && !tensor.defined()) tensor = at::zeros(shape_for(kind, gradient), gradient.options());
  };
  const bool is_factored = gradient.dim() >= 2;
  begin(kRow, StateKind::rows, is_factored);
  begin(kColumn, StateKind::columns, is_factored);
  begin(kExpAvgSq, StateKind::like_parameter, !is_factored);
}

void Adafactor::step() {
  const c10::NoGradGuard no_grad;
  for (std::size_t group = 0; group < settings_.size(); ++group) {
    for (std::size_t i = 0; i < param_groups()[group].parameters.size(); ++i) update(group, i);
  }
}

void Adafactor::update(std::size_t group, std::size_t i) {
  const ParameterGroup& g = param_groups()[group];
  const Settings& settings = settings_[group];
  const at::Tensor& parameter = g.parameters[i];
  if (!parameter.grad().defined()) return;
  const at::Tensor gradient = is_short(parameter.grad()) ? parameter.grad().to(at::kFloat) : parameter.grad();
  begin_state(group, i, gradient);
  const at::Tensor weights = is_short(parameter) ? parameter.to(at::kFloat) : parameter.detach();

  const double steps = state(group, kStep)[i].add_(1).item<double>();
  state(group, kRms)[i] = root_mean_square(weights);
  const double beta2 = 1.0 - std::pow(steps, settings.decay_rate);
  at::Tensor change = gradient.pow(2) + settings.eps;
  if (gradient.dim() >= 2) {
    at::Tensor& row = state(group, kRow)[i];
    at::Tensor& column = state(group, kColumn)[i];
    row.mul_(beta2).add_(change.mean(-1), 1.0 - beta2);
    column.mul_(beta2).add_(change.mean(-2), 1.0 - beta2);
    change = inverse_root(row, column).mul_(gradient);
  } else {
    at::Tensor& exp_avg_sq = state(group, kExpAvgSq)[i];
    exp_avg_sq.mul_(beta2).add_(change, 1.0 - beta2);
    change = exp_avg_sq.rsqrt().mul_(gradient);
  }
  change.div_((root_mean_square(change) / settings.clip_threshold).clamp_(1.0));
  change.mul_(g.lr);
  if (g.weight_decay != 0) weights.add_(weights, -g.weight_decay * g.lr);
  weights.add_(-change);
  if (is_short(parameter)) parameter.copy_(weights);
}

}  // namespace downbeat
