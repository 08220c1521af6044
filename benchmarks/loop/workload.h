// The models of the loop benchmark with their data: the same as in reference.py, down to the initial weights.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <string>

#include "examples/gpt2/gpt2.h"

namespace benchmark_loop {

// Virtual, so that one Trainer and one loop by hand serve all of them.
class LogitsModel : public torch::nn::Module {
 public:
  virtual at::Tensor forward(const at::Tensor& inputs) = 0;
};

struct Workload {
  at::Tensor inputs, labels;
  int64_t batch_size = 0;
  std::shared_ptr<LogitsModel> model;          // with `loss`
  std::shared_ptr<gpt2::GPT2LMHeadModel> gpt;  // or this one, which returns its loss
  at::Tensor (*loss)(const at::Tensor& logits, const at::Tensor& labels) = nullptr;
};

inline constexpr int64_t kSeed = 42;
inline constexpr double kLearningRate = 1e-3;
inline constexpr double kWeightDecay = 0.01;
inline constexpr double kMaxGradNorm = 1.0;

// linear: one of 8 inputs; digits: 64-128-10; transformer: an encoder of 2 layers; gpt: GPT-2 of 10.8 million
// parameters. Seeds the default generator. Throws std::invalid_argument for another name.
Workload make_workload(const std::string& name);

// The sum of the absolute weights.
double checksum(const torch::nn::Module& model);

}  // namespace benchmark_loop
