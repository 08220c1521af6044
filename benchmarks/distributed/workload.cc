#include "benchmarks/distributed/workload.h"

#include <ATen/ops/abs.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sum.h>
#include <c10/core/GradMode.h>

#include "trainer/seed.h"

namespace benchmark_distributed {
namespace {

std::shared_ptr<Network> seeded_network() {
  downbeat::set_seed(kSeed);
  return std::make_shared<Network>();
}

// The inputs are drawn before the labels.
downbeat::TensorDataset drawn_rows() {
  const at::Tensor inputs = at::rand({kRows, kInputs});
  return downbeat::TensorDataset(inputs, at::randint(kClasses, {kRows}, at::kLong));
}

}  // namespace

Network::Network() {
  first = register_module("first", torch::nn::Linear(kInputs, kWidth));
  hidden = register_module("hidden", torch::nn::ModuleList());
  for (int64_t i = 0; i < kHiddenLayers; ++i) hidden->push_back(torch::nn::Linear(kWidth, kWidth));
  last = register_module("last", torch::nn::Linear(kWidth, kClasses));
}

at::Tensor Network::forward(at::Tensor x) {
  x = at::relu(first(x));
  for (const auto& layer : *hidden) x = at::relu(layer->as<torch::nn::LinearImpl>()->forward(x));
  return last(x);
}

Workload::Workload() : network(seeded_network()), rows(drawn_rows()) {}

downbeat::TrainingArguments arguments_of(int64_t max_steps, bool find_unused_parameters) {
  return {.output_dir = "unused",
          .per_device_train_batch_size = kBatchSize,
          .max_steps = max_steps,
          .learning_rate = 1e-3,
          .weight_decay = 0.01,
          .max_grad_norm = 1.0,
          .logging_strategy = downbeat::IntervalStrategy::no,
          .disable_tqdm = true,
          .save_strategy = downbeat::SaveStrategy::no,
          .seed = kSeed,
          .use_cpu = true,
          .ddp_find_unused_parameters = find_unused_parameters};
}

double checksum(const torch::nn::Module& model) {
  const c10::NoGradGuard no_grad;
  double sum = 0;
  for (const at::Tensor& parameter : model.parameters()) sum += parameter.to(at::kDouble).abs().sum().item<double>();
  return sum;
}

}  // namespace benchmark_distributed
