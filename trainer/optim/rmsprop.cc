#include "trainer/optim/rmsprop.h"

#include <ATen/ops/add.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

namespace downbeat {
namespace {

enum Which { kStep, kSquareAvg, kMomentumBuffer, kGradAvg };

}  // namespace

RMSprop::RMSprop(std::vector<ParameterGroup> groups, const Settings& settings)
    : Optimizer(std::move(groups), {{"step", StateKind::step},
                                    {"square_avg", StateKind::like_parameter},
                                    {"momentum_buffer", StateKind::like_parameter, true},
                                    {"grad_avg", StateKind::like_parameter, true}}),
      settings_(param_groups().size(), settings) {}

void RMSprop::list_options(std::size_t group, Options& options) {
  Settings& settings = settings_[group];
  options.number("weight_decay", param_groups()[group].weight_decay);
  options.number("lr", param_groups()[group].lr);
  options.number("momentum", settings.momentum);
  options.number("alpha", settings.alpha);
  options.number("eps", settings.eps);
  options.flag("centered", settings.centered);
  options.fixed("capturable", false);
  options.unused("foreach", PythonValue());
  options.fixed("maximize", false);
  options.fixed("differentiable", false);
}

void RMSprop::begin_state(std::size_t group, std::size_t i) {
  const at::Tensor& parameter = param_groups()[group].parameters[i];
  const Settings& settings = settings_[group];
  const auto begin = [&](Which which, bool is_needed) {
    at::Tensor& tensor = state(group, which)[i];
    if (is_needed && !tensor.defined()) tensor = at::zeros_like(parameter);
  };
  at::Tensor& steps = state(group, kStep)[i];
  if (!steps.defined()) steps = at::zeros({}, parameter.options().dtype(at::kFloat).requires_grad(false));
  begin(kSquareAvg, true);
  begin(kMomentumBuffer, settings.momentum > 0);
  begin(kGradAvg, settings.centered);
}

void RMSprop::step() {
  const c10::NoGradGuard no_grad;
  for (std::size_t group = 0; group < settings_.size(); ++group) {
    const ParameterGroup& g = param_groups()[group];
    const auto& [momentum, alpha, eps, centered] = settings_[group];
    for (std::size_t i = 0; i < g.parameters.size(); ++i) {
      const at::Tensor& parameter = g.parameters[i];
      at::Tensor gradient = parameter.grad();
      if (!gradient.defined()) continue;
      begin_state(group, i);
      state(group, kStep)[i].add_(1);
      if (g.weight_decay != 0) gradient = gradient.add(parameter, g.weight_decay);
      at::Tensor& square_avg = state(group, kSquareAvg)[i];
      square_avg.mul_(alpha).addcmul_(gradient, gradient, 1 - alpha);
      at::Tensor average;
      if (centered) {
        at::Tensor& grad_avg = state(group, kGradAvg)[i];
        grad_avg.lerp_(gradient, 1 - alpha);
        average = square_avg.addcmul(grad_avg, grad_avg, -1).sqrt_();
      } else {
        average = square_avg.sqrt();
      }
      average.add_(eps);
      if (momentum > 0) {
        at::Tensor& buffer = state(group, kMomentumBuffer)[i];
        buffer.mul_(momentum).addcdiv_(gradient, average);
        parameter.add_(buffer, -g.lr);
      } else {
        parameter.addcdiv_(gradient, average, -g.lr);
      }
    }
  }
}

}  // namespace downbeat
