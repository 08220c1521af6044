#include "trainer/optim/sgd.h"

#include <ATen/ops/add.h>
#include <c10/core/GradMode.h>

namespace downbeat {
namespace {

enum Which { kMomentumBuffer };

}  // namespace

SGD::SGD(std::vector<ParameterGroup> groups, const Settings& settings)
    : Optimizer(std::move(groups), {{"momentum_buffer", StateKind::like_parameter, true}}),
      settings_(param_groups().size(), settings) {}

void SGD::list_options(std::size_t group, Options& options) {
  Settings& settings = settings_[group];
  options.number("weight_decay", param_groups()[group].weight_decay);
  options.number("lr", param_groups()[group].lr);
  options.number("momentum", settings.momentum);
  options.number("dampening", settings.dampening);
  options.flag("nesterov", settings.nesterov);
  options.fixed("maximize", false);
  options.unused("foreach", PythonValue());
  options.fixed("differentiable", false);
  options.fixed("fused", PythonValue());
}

void SGD::step() {
  const c10::NoGradGuard no_grad;
  for (std::size_t group = 0; group < settings_.size(); ++group) {
    const ParameterGroup& g = param_groups()[group];
    const auto& [momentum, dampening, nesterov] = settings_[group];
    for (std::size_t i = 0; i < g.parameters.size(); ++i) {
      const at::Tensor& parameter = g.parameters[i];
      at::Tensor gradient = parameter.grad();
      if (!gradient.defined()) continue;
      if (g.weight_decay != 0) gradient = gradient.add(parameter, g.weight_decay);
      if (momentum != 0) {
        at::Tensor& buffer = state(group, kMomentumBuffer)[i];
        buffer.defined() ? void(buffer.mul_(momentum).add_(gradient, 1 - dampening)) : void(buffer = gradient.clone());
        gradient = nesterov ? gradient.add(buffer, momentum) : buffer;
      }
      parameter.add_(gradient, -g.lr);
    }
  }
}

}  // namespace downbeat
