// The network, the data and the settings of the distributed benchmark: the same as in reference.py, down to the initial
// weights. 0.8 million parameters and 2048 rows a step: much to compute for each number that is sent.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>

#include <memory>

#include "callbacks/vocabulary/training_arguments.h"
#include "trainer/data/tensor_dataset.h"

namespace benchmark_distributed {

inline constexpr int64_t kSeed = 42;
inline constexpr int64_t kInputs = 64, kWidth = 512, kHiddenLayers = 3, kClasses = 10;
inline constexpr int64_t kBatchSize = 2048, kRows = 32 * kBatchSize;

struct Network : torch::nn::Module {
  Network();
  at::Tensor forward(at::Tensor x);

  torch::nn::Linear first{nullptr}, last{nullptr};
  torch::nn::ModuleList hidden;
};

// Seeds the default generator, makes the network, then the rows.
struct Workload {
  Workload();

  std::shared_ptr<Network> network;
  downbeat::TensorDataset rows;
};

downbeat::TrainingArguments arguments_of(int64_t max_steps, bool find_unused_parameters);

// The sum of the absolute weights.
double checksum(const torch::nn::Module& model);

}  // namespace benchmark_distributed
