// LRScheduler: the learning rate as a function of the steps done, in double and in HuggingFace's order of operations.
//
// Update number k (from 1) uses lr_lambda(k - 1). Hooks may ask for it from on_train_begin on.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "callbacks/vocabulary/training_arguments.h"
#include "trainer/optim/optimizer.h"

namespace downbeat {

class LRScheduler {
 public:
  // Sets the learning rate of every group to its initial one times lr_lambda(0).
  LRScheduler(Optimizer& optimizer, std::function<double(int64_t)> lr_lambda);

  void step();
  double last_lr() const;  // of the first group: what the next optimizer step will use

 private:
  void apply();

  Optimizer& optimizer_;
  std::function<double(int64_t)> lr_lambda_;
  std::vector<double> initial_lrs_;
  int64_t steps_ = 0;
};

// By args.lr_scheduler_type, for a run of max_steps.
std::function<double(int64_t)> lr_lambda(const TrainingArguments& args, int64_t max_steps);

}  // namespace downbeat
