// One process of the loop benchmark: a loop written by hand that does what Trainer does, and nothing else, down to the
// last bit of the weights: shuffled batches, the loss summed with its NaN test, clipping, fused AdamW with its two
// groups, the linear schedule, gradients set to none. measured_run.h says how it is started.
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
#include <vector>

#include "benchmarks/loop/measured_run.h"
#include "benchmarks/loop/workload.h"
#include "trainer/run.h"
#include "trainer/seed.h"

namespace {

using namespace benchmark_loop;

struct Group {
  double weight_decay;
  std::vector<at::Tensor> parameters, gradients, averages, squares, steps;
};

std::vector<Group> groups_of(const std::vector<at::Tensor>& parameters) {
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

void clip(const std::vector<at::Tensor>& gradients) {
  const c10::NoGradGuard no_grad;
  const at::Tensor norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients, 2.0)), 2.0);
  at::_foreach_mul_(gradients, at::clamp((norm + 1e-6).reciprocal() * kMaxGradNorm, std::nullopt, 1.0));
}

void step(Group& group, double learning_rate) {
  const c10::NoGradGuard no_grad;
  for (const at::Tensor& parameter : group.parameters) group.gradients.push_back(parameter.grad());
  at::_foreach_add_(group.steps, 1);
  at::_fused_adamw_(group.parameters, group.gradients, group.averages, group.squares, {}, group.steps, learning_rate,
                    0.9, 0.999, group.weight_decay, 1e-8, /*amsgrad=*/false, /*maximize=*/false);
  group.gradients.clear();  // what is held here would not be freed below
}

at::Tensor loss_of(LogitsModel& model, const Workload& work, const downbeat::Batch& batch, int64_t substeps, int64_t) {
  const at::Tensor loss = work.loss(model.forward(batch.inputs), batch.labels);
  return substeps > 1 ? loss / substeps : loss;
}
at::Tensor loss_of(gpt2::GPT2LMHeadModel& model, const Workload&, const downbeat::Batch& batch, int64_t,
                   int64_t labels) {
  return model.forward(batch, labels).loss;
}

int64_t labels_of(const LogitsModel&, const std::vector<downbeat::Batch>&) { return 0; }
int64_t labels_of(const gpt2::GPT2LMHeadModel&, const std::vector<downbeat::Batch>& batches) {
  int64_t labels = 0;
  for (const downbeat::Batch& batch : batches) labels += batch.labels.ne(-100).sum().item<int64_t>();
  return labels;
}

template <class Model>
void train(Model& model, const Workload& work, const RunArguments& run) {
  Stopwatch stopwatch(run);
  std::vector<Light> callbacks(static_cast<std::size_t>(run.callbacks));
  const std::vector<at::Tensor> parameters = model.parameters();
  std::vector<Group> groups = groups_of(parameters);
  std::vector<at::Tensor> gradients;
  std::vector<downbeat::Batch> batches;
  const int64_t rows = work.inputs.size(0);
  const int64_t step_rows = work.batch_size * run.accumulation;
  float loss_sum = 0;
  int64_t steps = 0;
  model.train();
  for (int64_t epoch = 0; steps < run.all_steps(); ++epoch) {
    const at::Tensor order = at::randperm(rows, at::detail::createCPUGenerator(kSeed + epoch), at::kLong);
    for (int64_t first = 0; first < rows && steps < run.all_steps(); first += step_rows) {
      batches.clear();
      for (int64_t begin = first; begin < std::min(first + step_rows, rows); begin += work.batch_size) {
        const at::Tensor picked = order.slice(0, begin, std::min(begin + work.batch_size, rows));
        batches.push_back({at::index_select(work.inputs, 0, picked), at::index_select(work.labels, 0, picked)});
      }
      const int64_t labels = labels_of(model, batches);
      for (const downbeat::Batch& batch : batches) {
        const at::Tensor loss = loss_of(model, work, batch, static_cast<int64_t>(batches.size()), labels);
        loss.backward();
        const float value = loss.item<float>();
        loss_sum += std::isfinite(value) ? value : loss_sum / static_cast<float>(1 + steps);
      }
      for (const at::Tensor& parameter : parameters) gradients.push_back(parameter.grad());
      clip(gradients);
      gradients.clear();
      const double left = static_cast<double>(run.all_steps() - steps) / static_cast<double>(run.all_steps());
      for (Group& group : groups) step(group, kLearningRate * std::max(0.0, left));
      for (const at::Tensor& parameter : parameters) parameter.mutable_grad().reset();
      ++steps;
      stopwatch.step_done(steps);
      for (Light& callback : callbacks) callback.hear_step(steps);
    }
  }
  stopwatch.print(loss_sum / static_cast<double>(steps), checksum(model));
}

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    const RunArguments run = parse(argc, argv);
    downbeat::set_num_threads(1);
    const Workload work = make_workload(run.model);
    work.gpt ? train(*work.gpt, work, run) : train(*work.model, work, run);
  });
}
