// The loop of a user who writes all of it by hand and does what Trainer does, and nothing else, down to the last bit of
// the weights: shuffled batches, the loss summed with its NaN test, clipping, fused AdamW with its two groups, the
// linear schedule, gradients set to none.
#pragma once

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/randperm.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "benchmarks/loop/measured_run.h"
#include "benchmarks/loop/workload.h"

namespace benchmark_loop {

struct Group {
  double weight_decay;
  std::vector<at::Tensor> parameters, gradients, averages, squares, steps;
};

inline std::vector<Group> groups_of(const std::vector<at::Tensor>& parameters) {
  std::vector<Group> groups(2);
  groups[0].weight_decay = kWeightDecay;
  groups[1].weight_decay = 0;
  for (const at::Tensor& parameter : parameters) {
    Group& group = groups[parameter.dim() > 1 ? 0 : 1];  // biases and norms do not decay
    group.parameters.push_back(parameter);
    group.averages.push_back(at::zeros_like(parameter));
    group.squares.push_back(at::zeros_like(parameter));
    group.steps.push_back(at::zeros({}, at::kFloat));
  }
  return groups;
}

inline void clip(const std::vector<at::Tensor>& gradients) {
  const c10::NoGradGuard no_grad;
  const at::Tensor norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients, 2.0)), 2.0);
  at::_foreach_mul_(gradients, at::clamp((norm + 1e-6).reciprocal() * kMaxGradNorm, std::nullopt, 1.0));
}

inline void step(Group& group, double learning_rate) {
  const c10::NoGradGuard no_grad;
  for (const at::Tensor& parameter : group.parameters) group.gradients.push_back(parameter.grad());
  at::_foreach_add_(group.steps, 1);
  at::_fused_adamw_(group.parameters, group.gradients, group.averages, group.squares, {}, group.steps, learning_rate,
                    0.9, 0.999, group.weight_decay, 1e-8, /*amsgrad=*/false, /*maximize=*/false);
  group.gradients.clear();  // what is held here would not be freed below
}

inline at::Tensor loss_of(LogitsModel& model, const Workload& work, const downbeat::Batch& batch, int64_t substeps,
                          int64_t) {
  const at::Tensor loss = work.loss(model.forward(batch.inputs), batch.labels);
  return substeps > 1 ? loss / substeps : loss;
}
inline at::Tensor loss_of(gpt2::GPT2LMHeadModel& model, const Workload&, const downbeat::Batch& batch, int64_t,
                          int64_t labels) {
  return model.forward(batch, labels).loss;
}

inline int64_t labels_of(const LogitsModel&, const std::vector<downbeat::Batch>&) { return 0; }
inline int64_t labels_of(const gpt2::GPT2LMHeadModel&, const std::vector<downbeat::Batch>& batches) {
  int64_t labels = 0;
  for (const downbeat::Batch& batch : batches) labels += batch.labels.ne(-100).sum().item<int64_t>();
  return labels;
}

template <class Model>
class LoopByHand {
 public:
  // Holds a reference to the model and the data.
  LoopByHand(Model& model, const Workload& work, const RunArguments& run)
      : model_(model),
        work_(work),
        accumulation_(run.accumulation),
        all_steps_(run.all_steps()),
        parameters_(model.parameters()),
        groups_(groups_of(parameters_)) {
    model.train();
  }

  void step() {
    if (first_ >= rows()) begin_epoch();
    fetch();
    forward_backward();
    for (const at::Tensor& parameter : parameters_) gradients_.push_back(parameter.grad());
    clip(gradients_);
    gradients_.clear();
    const double left = static_cast<double>(all_steps_ - steps_) / static_cast<double>(all_steps_);
    for (Group& group : groups_) benchmark_loop::step(group, kLearningRate * std::max(0.0, left));
    for (const at::Tensor& parameter : parameters_) parameter.mutable_grad().reset();
    ++steps_;
  }

  double mean_loss() const { return loss_sum_ / static_cast<double>(steps_); }

 private:
  int64_t rows() const { return work_.inputs.size(0); }

  void begin_epoch() {
    order_ = at::randperm(rows(), at::detail::createCPUGenerator(kSeed + epoch_++), at::kLong);
    first_ = 0;
  }

  void fetch() {
    batches_.clear();
    for (int64_t i = 0; i < accumulation_ && first_ < rows(); ++i, first_ += work_.batch_size) {
      const at::Tensor picked = order_.slice(0, first_, std::min(first_ + work_.batch_size, rows()));
      batches_.push_back({at::index_select(work_.inputs, 0, picked), at::index_select(work_.labels, 0, picked)});
    }
  }

  void forward_backward() {
    const int64_t labels = labels_of(model_, batches_);
    for (const downbeat::Batch& batch : batches_) {
      const at::Tensor loss = loss_of(model_, work_, batch, static_cast<int64_t>(batches_.size()), labels);
      loss.backward();
      const float value = loss.item<float>();
      loss_sum_ += std::isfinite(value) ? value : loss_sum_ / static_cast<float>(1 + steps_);
    }
  }

  Model& model_;
  const Workload& work_;
  const int64_t accumulation_, all_steps_;
  const std::vector<at::Tensor> parameters_;
  std::vector<Group> groups_;
  std::vector<at::Tensor> gradients_;
  std::vector<downbeat::Batch> batches_;
  at::Tensor order_;
  int64_t first_ = std::numeric_limits<int64_t>::max();  // row of the next batch
  int64_t epoch_ = 0, steps_ = 0;
  float loss_sum_ = 0;
};

}  // namespace benchmark_loop
