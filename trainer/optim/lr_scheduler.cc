#include "trainer/optim/lr_scheduler.h"

#include <algorithm>
#include <utility>

namespace downbeat {

LRScheduler::LRScheduler(Optimizer& optimizer, std::function<double(int64_t)> lr_lambda)
    : optimizer_(optimizer), lr_lambda_(std::move(lr_lambda)) {
  for (const ParameterGroup& group : optimizer_.param_groups()) initial_lrs_.push_back(group.lr);
  apply();
}

void LRScheduler::step() {
  ++steps_;
  apply();
}

double LRScheduler::last_lr() const { return optimizer_.param_groups().front().lr; }

void LRScheduler::apply() {
  const double factor = lr_lambda_(steps_);
  for (std::size_t i = 0; i < initial_lrs_.size(); ++i) optimizer_.param_groups()[i].lr = initial_lrs_[i] * factor;
}

std::function<double(int64_t)> lr_lambda(const TrainingArguments& args, int64_t max_steps) {
  const int64_t warmup = warmup_steps(args, max_steps);
  return [warmup, max_steps](int64_t step) {  // linear
    if (step < warmup) return static_cast<double>(step) / static_cast<double>(std::max<int64_t>(1, warmup));
    return std::max(
        0.0, static_cast<double>(max_steps - step) / static_cast<double>(std::max<int64_t>(1, max_steps - warmup)));
  };
}

}  // namespace downbeat
