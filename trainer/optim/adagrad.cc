#include "trainer/optim/adagrad.h"

#include <ATen/ops/add.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

namespace downbeat {
namespace {

enum Which { kStep, kSum };

}  // namespace

// Its state is there from the beginning, as in PyTorch.
Adagrad::Adagrad(std::vector<ParameterGroup> groups, const Settings& settings)
    : Optimizer(std::move(groups), {{"step", StateKind::step}, {"sum", StateKind::like_parameter}}),
      settings_(param_groups().size(), settings) {
  for (std::size_t group = 0; group < settings_.size(); ++group) {
    for (std::size_t i = 0; i < param_groups()[group].parameters.size(); ++i) begin_state(group, i);
  }
}

// Also for a parameter that a loaded state does not know.
void Adagrad::begin_state(std::size_t group, std::size_t i) {
  const c10::NoGradGuard no_grad;
  const at::Tensor& parameter = param_groups()[group].parameters[i];
  at::Tensor& steps = state(group, kStep)[i];
  if (steps.defined()) return;
  steps = at::zeros({}, parameter.options().dtype(at::kFloat).requires_grad(false));
  state(group, kSum)[i] = at::full_like(parameter, settings_[group].initial_accumulator_value);
}

void Adagrad::list_options(std::size_t group, Options& options) {
  Settings& settings = settings_[group];
  options.number("weight_decay", param_groups()[group].weight_decay);
  options.number("lr", param_groups()[group].lr);
  options.number("lr_decay", settings.lr_decay);
  options.number("eps", settings.eps);
  options.number("initial_accumulator_value", settings.initial_accumulator_value);
  options.unused("foreach", PythonValue());
  options.fixed("maximize", false);
  options.fixed("differentiable", false);
  options.fixed("fused", PythonValue());
}

void Adagrad::step() {
  const c10::NoGradGuard no_grad;
  for (std::size_t group = 0; group < settings_.size(); ++group) {
    const ParameterGroup& g = param_groups()[group];
    const Settings& settings = settings_[group];
    for (std::size_t i = 0; i < g.parameters.size(); ++i) {
      const at::Tensor& parameter = g.parameters[i];
      at::Tensor gradient = parameter.grad();
      if (!gradient.defined()) continue;
      begin_state(group, i);
      at::Tensor& sum = state(group, kSum)[i];
      const double steps = state(group, kStep)[i].add_(1).item<double>();
      if (g.weight_decay != 0) gradient = gradient.add(parameter, g.weight_decay);
      const double lr = g.lr / (1 + (steps - 1) * settings.lr_decay);
      sum.addcmul_(gradient, gradient, 1);
      parameter.addcdiv_(gradient, sum.sqrt().add_(settings.eps), -lr);
    }
  }
}

}  // namespace downbeat
