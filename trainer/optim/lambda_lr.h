// LambdaLR: the learning rate as a function of the steps done: lr = initial_lr * lr_lambda(steps), in double.
//
// Update number k (from 1) uses lr_lambda(k - 1).
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "trainer/optim/lr_scheduler.h"
#include "trainer/optim/optimizer.h"

namespace downbeat {

class LambdaLR : public LRScheduler {
 public:
  // Sets the learning rate of every group to its initial one times lr_lambda(0). `is_function`: what scheduler.pt has
  // in the place of the lambda: None for a plain function, {} otherwise.
  LambdaLR(Optimizer& optimizer, std::function<double(int64_t)> lr_lambda, bool is_function);

  using LRScheduler::step;
  void step() override;
  double last_lr() const override { return last_lrs_.front(); }

  PythonValue state_dict() const override;
  absl::Status load_state_dict(const PythonValue& state_dict) override;

 private:
  void apply();

  Optimizer& optimizer_;
  std::function<double(int64_t)> lr_lambda_;
  bool is_function_;
  std::vector<double> base_lrs_, last_lrs_;
  int64_t last_epoch_ = 0;  // steps done; PyTorch's name
  int64_t step_count_ = 1;
};

}  // namespace downbeat
