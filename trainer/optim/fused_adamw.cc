#include "trainer/optim/fused_adamw.h"

#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

namespace downbeat {

FusedAdamW::FusedAdamW(std::vector<ParameterGroup> groups, Options options)
    : Optimizer(std::move(groups)), options_(options) {
  for (const ParameterGroup& group : param_groups()) {
    const std::size_t size = group.parameters.size();
    states_.push_back({std::vector<at::Tensor>(size), std::vector<at::Tensor>(size), std::vector<at::Tensor>(size)});
  }
}

void FusedAdamW::step() {
  const c10::NoGradGuard no_grad;
  for (std::size_t i = 0; i < states_.size(); ++i) step(param_groups()[i], states_[i]);
}

void FusedAdamW::step(ParameterGroup& group, State& state) {
  std::vector<at::Tensor> parameters, gradients, exp_avgs, exp_avg_sqs, steps;
  for (std::size_t i = 0; i < group.parameters.size(); ++i) {
    const at::Tensor& parameter = group.parameters[i];
    if (!parameter.grad().defined()) continue;
    if (!state.steps[i].defined()) {
      state.exp_avg[i] = at::zeros_like(parameter);
      state.exp_avg_sq[i] = at::zeros_like(parameter);
      state.steps[i] = at::zeros({}, parameter.options().dtype(at::kFloat));  // float32, as in Python
    }
    parameters.push_back(parameter);
    gradients.push_back(parameter.grad());
    exp_avgs.push_back(state.exp_avg[i]);
    exp_avg_sqs.push_back(state.exp_avg_sq[i]);
    steps.push_back(state.steps[i]);
  }
  if (parameters.empty()) return;
  at::_foreach_add_(steps, 1);
  at::_fused_adamw_(parameters, gradients, exp_avgs, exp_avg_sqs, /*max_exp_avg_sqs=*/{}, steps, group.lr,
                    options_.beta1, options_.beta2, group.weight_decay, options_.eps, /*amsgrad=*/false,
                    /*maximize=*/false);
}

}  // namespace downbeat
