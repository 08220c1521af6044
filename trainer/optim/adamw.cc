#include "trainer/optim/adamw.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <map>

namespace downbeat {
namespace {

enum Which { kStep, kExpAvg, kExpAvgSq };

// On a CPU without an operation for each of them.
void count_step(const std::vector<at::Tensor>& steps) {
  if (!steps.front().is_cpu()) return at::_foreach_add_(steps, 1);
  for (const at::Tensor& step : steps) *step.mutable_data_ptr<float>() += 1;
}

void update_fused(const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& gradients,
                  const std::vector<at::Tensor>& exp_avgs, const std::vector<at::Tensor>& exp_avg_sqs,
                  const std::vector<at::Tensor>& steps, const ParameterGroup& group, const AdamW::Settings& settings) {
  count_step(steps);
  at::_fused_adamw_(parameters, gradients, exp_avgs, exp_avg_sqs, /*max_exp_avg_sqs=*/{}, steps, group.lr,
                    settings.beta1, settings.beta2, group.weight_decay, settings.eps, /*amsgrad=*/false,
                    /*maximize=*/false);
}

}  // namespace

AdamW::AdamW(std::vector<ParameterGroup> groups, const Settings& settings)
    : Optimizer(std::move(groups), {{"step", StateKind::step},
                                    {"exp_avg", StateKind::like_parameter},
                                    {"exp_avg_sq", StateKind::like_parameter}}),
      settings_(param_groups().size(), settings) {}

void AdamW::list_options(std::size_t group, Options& options) {
  Settings& settings = settings_[group];
  options.number("weight_decay", param_groups()[group].weight_decay);
  options.number("lr", param_groups()[group].lr);
  options.pair("betas", settings.beta1, settings.beta2);
  options.number("eps", settings.eps);
  options.fixed("amsgrad", false);
  options.fixed("maximize", false);
  options.unused("foreach", PythonValue());
  options.fixed("capturable", false);
  options.fixed("differentiable", false);
  options.maybe("fused", settings.fused);
  options.unused("decoupled_weight_decay", true);  // PyTorch sets it whatever a file says
}

void AdamW::step() {
  const c10::NoGradGuard no_grad;
  for (std::size_t group = 0; group < settings_.size(); ++group) {
    settings_[group].fused.value_or(false) ? step_fused(group) : step_plain(group);
  }
}

void AdamW::begin_state(std::size_t group, std::size_t i) {
  if (state(group, kStep)[i].defined()) return;
  const at::Tensor& parameter = param_groups()[group].parameters[i];
  state(group, kStep)[i] = at::zeros({}, parameter.options().dtype(at::kFloat).requires_grad(false));
  state(group, kExpAvg)[i] = at::zeros_like(parameter);
  state(group, kExpAvgSq)[i] = at::zeros_like(parameter);
}

void AdamW::step_fused(std::size_t group) {
  const ParameterGroup& g = param_groups()[group];
  if (g.parameters.empty()) return;
  gradients_.clear();
  for (std::size_t i = 0; i < g.parameters.size(); ++i) {
    const at::Tensor& parameter = g.parameters[i];
    const at::Tensor& gradient = parameter.grad();
    if (!gradient.defined() || parameter.scalar_type() != g.parameters.front().scalar_type()) break;
    begin_state(group, i);
    gradients_.push_back(gradient);
  }
  if (gradients_.size() == g.parameters.size()) {  // the lists are already what the operator wants
    update_fused(g.parameters, gradients_, state(group, kExpAvg), state(group, kExpAvgSq), state(group, kStep), g,
                 settings_[group]);
  } else {
    step_fused_by_type(group);
  }
  gradients_.clear();  // what is held here would not be freed by zero_grad
}

// One call for all parameters of a type, as PyTorch groups them.
void AdamW::step_fused_by_type(std::size_t group) {
  struct Lists {
    std::vector<at::Tensor> parameters, gradients, exp_avgs, exp_avg_sqs, steps;
  };
  std::map<at::ScalarType, Lists> by_type;
  const ParameterGroup& g = param_groups()[group];
  for (std::size_t i = 0; i < g.parameters.size(); ++i) {
    if (!g.parameters[i].grad().defined()) continue;
    begin_state(group, i);
    Lists& lists = by_type[g.parameters[i].scalar_type()];
    lists.parameters.push_back(g.parameters[i]);
    lists.gradients.push_back(g.parameters[i].grad());
    lists.exp_avgs.push_back(state(group, kExpAvg)[i]);
    lists.exp_avg_sqs.push_back(state(group, kExpAvgSq)[i]);
    lists.steps.push_back(state(group, kStep)[i]);
  }
  for (const auto& [type, lists] : by_type) {
    update_fused(lists.parameters, lists.gradients, lists.exp_avgs, lists.exp_avg_sqs, lists.steps, g,
                 settings_[group]);
  }
}

void AdamW::step_plain(std::size_t group) {
  const ParameterGroup& g = param_groups()[group];
  const auto& [beta1, beta2, eps, fused] = settings_[group];
  for (std::size_t i = 0; i < g.parameters.size(); ++i) {
    const at::Tensor& parameter = g.parameters[i];
    const at::Tensor& gradient = parameter.grad();
    if (!gradient.defined()) continue;
    begin_state(group, i);
    at::Tensor& exp_avg = state(group, kExpAvg)[i];
    at::Tensor& exp_avg_sq = state(group, kExpAvgSq)[i];
    const double steps = state(group, kStep)[i].add_(1).item<double>();
    if (g.weight_decay != 0) parameter.mul_(1 - g.lr * g.weight_decay);
    exp_avg.lerp_(gradient, 1 - beta1);
    exp_avg_sq.mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
    const double correction1 = 1 - std::pow(beta1, steps);
    const double correction2 = 1 - std::pow(beta2, steps);
    const at::Tensor denominator = (exp_avg_sq.sqrt() / std::pow(correction2, 0.5)).add_(eps);
    parameter.addcdiv_(exp_avg, denominator, -(g.lr / correction1));
  }
}

}  // namespace downbeat
