#include "trainer/optim/lambda_lr.h"

#include <utility>

#include "trainer/optim/scheduler_state.h"

namespace downbeat {

LambdaLR::LambdaLR(Optimizer& optimizer, std::function<double(int64_t)> lr_lambda, bool is_function)
    : optimizer_(optimizer), lr_lambda_(std::move(lr_lambda)), is_function_(is_function) {
  for (ParameterGroup& group : optimizer_.param_groups()) {
    if (!group.initial_lr) group.initial_lr = group.lr;
    base_lrs_.push_back(*group.initial_lr);
  }
  last_lrs_.resize(base_lrs_.size());
  apply();
}

void LambdaLR::step() {
  ++last_epoch_;
  ++step_count_;
  apply();
}

void LambdaLR::apply() {
  const double factor = lr_lambda_(last_epoch_);
  for (std::size_t i = 0; i < base_lrs_.size(); ++i) {
    last_lrs_[i] = base_lrs_[i] * factor;
    optimizer_.param_groups()[i].lr = last_lrs_[i];
  }
}

PythonValue LambdaLR::state_dict() const {
  PythonDict state;
  state.set("base_lrs", list_of(base_lrs_));
  state.set("last_epoch", last_epoch_);
  state.set("_step_count", step_count_);
  state.set("_is_initial", false);
  state.set("_get_lr_called_within_step", false);
  state.set("_last_lr", list_of(last_lrs_));
  const PythonValue lambda = is_function_ ? PythonValue() : PythonValue(PythonDict());
  state.set("lr_lambdas", PythonList(base_lrs_.size(), lambda));
  return state;
}

absl::Status LambdaLR::load_state_dict(const PythonValue& state_dict) {
  SchedulerState state(state_dict);
  std::vector<double> base_lrs = base_lrs_, last_lrs = last_lrs_;
  int64_t last_epoch = last_epoch_, step_count = step_count_;
  state.need("lr_lambdas");
  state.read("base_lrs", base_lrs, base_lrs_.size());
  state.read("last_epoch", last_epoch);
  state.read("_step_count", step_count);
  state.read("_last_lr", last_lrs, last_lrs_.size());
  if (!state.status().ok()) return state.status();
  base_lrs_ = std::move(base_lrs);
  last_lrs_ = std::move(last_lrs);
  last_epoch_ = last_epoch;
  step_count_ = step_count;
  return absl::OkStatus();
}

}  // namespace downbeat
