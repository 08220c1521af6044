// Trains a small network in several ways, under torchrun; writes every gradient of every step and the final parameters
// and buffers to OUT.<rank>, for ddp_reference_test.py to compare with what ddp_twin.py writes.
//   ddp_twin OUT [TIMEOUT [NUMBER_OF_CASES]]
#include <ATen/Parallel.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "trainer/distributed/gradient_reducer.h"
#include "trainer/distributed/process_environment.h"
#include "trainer/distributed/process_group.h"
#include "trainer/optim/adamw.h"
#include "trainer/run.h"

namespace {

constexpr int64_t kSteps = 4, kBatch = 8;

struct Case {
  int64_t substeps;
  bool find_unused_parameters;
  std::optional<int64_t> bucket_cap_mb;
  int64_t first_width = 512, second_width = 700;
};

std::vector<Case> cases() {
  std::vector<Case> all = {{1, false, {}}, {3, false, {}}, {2, false, 1}, {1, true, {}}, {2, true, {}}};
  // 15 parameters more each: where Gloo cuts a bucket differs, and once a number more would move the cut.
  for (const bool find_unused : {false, true}) {
    for (int64_t width = 1; width < 9; ++width) all.push_back({1, find_unused, {}, 4, width});
  }
  return all;
}

struct Net : torch::nn::Module {
  Net(bool has_spare, int64_t first, int64_t second) {
    fc1 = register_module("fc1", torch::nn::Linear(16, first));
    norm = register_module("norm", torch::nn::BatchNorm1d(first));
    fc2 = register_module("fc2", torch::nn::Linear(first, second));
    fc3 = register_module("fc3", torch::nn::Linear(second, 10));
    odd = register_module("odd", torch::nn::Linear(16, 10));
    if (has_spare) spare = register_module("spare", torch::nn::Linear(3, 3));
  }
  at::Tensor forward(const at::Tensor& x, bool uses_odd) {
    const at::Tensor out = fc3(at::relu(fc2(at::relu(norm(fc1(x))))));
    return uses_odd ? out + odd(x) : out;
  }
  torch::nn::Linear fc1 = nullptr, fc2 = nullptr, fc3 = nullptr, odd = nullptr, spare = nullptr;
  torch::nn::BatchNorm1d norm = nullptr;
};

void write(std::ofstream& out, const at::Tensor& tensor) {
  out.put(tensor.defined() ? '1' : '0');
  if (tensor.defined()) out.write(static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes());
}

std::unique_ptr<downbeat::Optimizer> optimizer_of(const Net& net) {
  downbeat::ParameterGroup group{.parameters = net.parameters(), .lr = 1e-2, .weight_decay = 0.01};
  return std::make_unique<downbeat::AdamW>(std::vector{group}, downbeat::AdamW::Settings{});
}

// Rank 1 gives a signal in the second step, of which all hear where gradients are reduced.
void backward(downbeat::GradientReducer& reducer, const at::Tensor& loss, const downbeat::ProcessGroup& group,
              int64_t step, bool is_last_substep) {
  const bool is_given = step == 1;
  const bool heard = reducer.backward(loss, is_given && group.rank() == 1);
  if (heard != (is_given && is_last_substep))
    throw std::logic_error("a signal is not heard, or heard without being given");
}

void train(const Case& how, downbeat::ProcessGroup& group, std::ofstream& out) {
  torch::manual_seed(how.substeps);
  Net net(how.find_unused_parameters, how.first_width, how.second_width);
  const int64_t batches = kSteps * how.substeps * group.world_size();
  const at::Tensor x = at::randn({batches * kBatch, 16});
  const at::Tensor y = at::randint(10, {batches * kBatch}, at::kLong);
  downbeat::NamedParameters parameters;
  for (const auto& parameter : net.named_parameters()) parameters.emplace_back(parameter.key(), parameter.value());
  if (group.rank() > 0) {
    for (const auto& [name, parameter] : parameters) parameter.detach().fill_(group.rank());
  }
  downbeat::GradientReducer reducer(group, net, parameters,
                                    {.find_unused_parameters = how.find_unused_parameters,
                                     .bucket_cap_mb = how.bucket_cap_mb,
                                     .carries_signal = true});
  const auto optimizer = optimizer_of(net);
  const bool uses_odd = !how.find_unused_parameters || group.rank() % 2 == 1;

  for (int64_t step = 0; step < kSteps; ++step) {
    for (int64_t substep = 0; substep < how.substeps; ++substep) {
      const int64_t first = ((step * how.substeps + substep) * group.world_size() + group.rank()) * kBatch;
      const bool is_last_substep = substep + 1 == how.substeps;
      reducer.before_forward(is_last_substep);
      const at::Tensor logits = net.forward(x.slice(0, first, first + kBatch), uses_odd);
      const at::Tensor loss = torch::nn::functional::cross_entropy(logits, y.slice(0, first, first + kBatch));
      backward(reducer, loss / how.substeps, group, step, is_last_substep);
    }
    for (const auto& [name, parameter] : parameters) write(out, parameter.grad());
    optimizer->step();
    optimizer->zero_grad();
  }
  for (const auto& [name, parameter] : parameters) write(out, parameter);
  for (const at::Tensor& buffer : net.buffers()) write(out, buffer);
}

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    at::set_num_threads(1);
    const std::chrono::seconds timeout(argc > 2 ? std::stoi(argv[2]) : 60);
    downbeat::ProcessGroup group(downbeat::read_process_environment().value(), timeout);
    std::ofstream out(std::string(argv[1]) + "." + std::to_string(group.rank()), std::ios::binary);
    std::vector<Case> all = cases();
    if (argc > 3) all.resize(std::stoul(argv[3]));
    for (const Case& how : all) train(how, group, out);
    group.finish();
  });
}
