// Optimizer: what updates the weights, in HuggingFace's two parameter groups.
//
// Hooks may ask for it from on_train_begin on: void on_step_end(const Optimizer& optimizer).
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>
#include <vector>

namespace downbeat {

struct ParameterGroup {
  std::vector<at::Tensor> parameters;
  double lr = 0;
  double weight_decay = 0;
};

class Optimizer {
 public:
  explicit Optimizer(std::vector<ParameterGroup> groups) : groups_(std::move(groups)) {}
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // Updates every parameter that has a gradient.
  virtual void step() = 0;

  // Gradients are set to none, not to zero.
  void zero_grad();

  const std::vector<ParameterGroup>& param_groups() const { return groups_; }
  std::vector<ParameterGroup>& param_groups() { return groups_; }

 private:
  std::vector<ParameterGroup> groups_;
};

}  // namespace downbeat
