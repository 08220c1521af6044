// One process of the loop benchmark: the loop that people write with LibTorch's own parts, torch::optim::AdamW,
// clip_grad_norm_ and loss.item(). measured_run.h says how it is started.
#include <ATen/TensorOperators.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/randperm.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adamw.h>

#include <algorithm>
#include <vector>

#include "benchmarks/loop/measured_run.h"
#include "benchmarks/loop/workload.h"
#include "trainer/run.h"
#include "trainer/seed.h"

namespace {

using namespace benchmark_loop;

at::Tensor loss_of(LogitsModel& model, const Workload& work, const downbeat::Batch& batch) {
  return work.loss(model.forward(batch.inputs), batch.labels);
}
at::Tensor loss_of(gpt2::GPT2LMHeadModel& model, const Workload&, const downbeat::Batch& batch) {
  return model.forward(batch, std::nullopt).loss;
}

void set_learning_rate(torch::optim::Optimizer& optimizer, double learning_rate) {
  for (torch::optim::OptimizerParamGroup& group : optimizer.param_groups()) group.options().set_lr(learning_rate);
}

template <class Model>
void train(Model& model, const Workload& work, const RunArguments& run) {
  Stopwatch stopwatch(run);
  torch::optim::AdamW optimizer(model.parameters(),
                                torch::optim::AdamWOptions(kLearningRate).weight_decay(kWeightDecay));
  const int64_t rows = work.inputs.size(0);
  double loss_sum = 0;
  int64_t steps = 0, substep = 0;
  model.train();
  while (steps < run.all_steps()) {
    const at::Tensor order = at::randperm(rows, at::kLong);
    for (int64_t begin = 0; begin < rows && steps < run.all_steps(); begin += work.batch_size) {
      const at::Tensor picked = order.slice(0, begin, std::min(begin + work.batch_size, rows));
      const downbeat::Batch batch{at::index_select(work.inputs, 0, picked), at::index_select(work.labels, 0, picked)};
      const at::Tensor loss = loss_of(model, work, batch) / run.accumulation;
      loss.backward();
      loss_sum += loss.item<double>();
      if (++substep % run.accumulation != 0) continue;
      torch::nn::utils::clip_grad_norm_(model.parameters(), kMaxGradNorm);
      set_learning_rate(optimizer,
                        kLearningRate * (1 - static_cast<double>(steps) / static_cast<double>(run.all_steps())));
      optimizer.step();
      optimizer.zero_grad();
      stopwatch.step_done(++steps);
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
