// One process of the logging benchmark: a training that logs every step, with all trackers of --report_to hearing the
// lines in some blocks of steps and not in others.
//
//   one_run --report_to=tensorboard,wandb --output_dir=DIR --max_steps=15000 [--hidden=700] [--threads=1]
//
// Prints for each round of three blocks, in an order drawn at random, the milliseconds of a step without, without again
// and with trackers, and at the end the seconds in which the trackers write what is left. A whole process without
// trackers is no measure: what lies where in the heap changes a step by more than they do.
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/relu.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <memory>
#include <random>
#include <utility>

#include "callbacks/vocabulary/training_arguments_flags.h"
#include "integrations/report_to.h"
#include "trainer/trainer.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kBlock = 200;    // steps
constexpr int64_t kSettling = 80;  // of them, until the writing threads have done what the block before left them

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct OwnArguments {
  int64_t hidden = 700;
  int64_t threads = 1;

  static constexpr const char* kTitle = "Logging benchmark";
  static void describe(auto& field) {
    field("hidden", &OwnArguments::hidden, "Width of the hidden layers: 700 makes a step of 1 to 2 ms.");
    field("threads", &OwnArguments::threads, "Threads of LibTorch.");
  }
};

struct Network : torch::nn::Module {
  explicit Network(int64_t width)
      : fc1(register_module("fc1", torch::nn::Linear(64, width))),
        fc2(register_module("fc2", torch::nn::Linear(width, width))),
        fc3(register_module("fc3", torch::nn::Linear(width, 10))) {}
  torch::Tensor forward(const torch::Tensor& x) { return fc3(at::relu(fc2(at::relu(fc1(x))))); }

  torch::nn::Linear fc1, fc2, fc3;
};

// The trackers, which hear what is logged in one block of three.
template <class Trackers>
class InBlocks {
 public:
  explicit InBlocks(Trackers trackers) : trackers_(std::move(trackers)) {}

  void on_init_end(auto& event) { trackers_.on_init_end(event.args(), event.state(), event.control()); }
  void on_train_begin(auto& event) { trackers_.on_train_begin(event.args(), event.state(), event.control()); }
  void on_step_begin(const downbeat::TrainerState& state) {
    const int64_t in_block = state.global_step % kBlock;
    if (in_block == 0) begin_block(state.global_step / kBlock);
    if (in_block == kSettling) start_ = Clock::now();
  }
  void on_log(auto& event) {
    if (order_[block_] == 2) trackers_.on_log(event.args(), event.state(), event.control(), event.logs());
  }
  void on_train_end(auto& event) {
    const Clock::time_point start = Clock::now();
    trackers_.on_train_end(event.args(), event.state(), event.control(), downbeat::RunEnd{});
    std::cout << milliseconds_since(start) / 1e3 << "\n";
  }

 private:
  void begin_block(int64_t number) {
    if (number > 0) times_[order_[block_]] = milliseconds_since(start_) / (kBlock - kSettling);
    block_ = static_cast<std::size_t>(number % 3);
    if (block_ != 0) return;
    if (number > 3) std::cout << times_[0] << " " << times_[1] << " " << times_[2] << "\n";  // the first warms up
    std::shuffle(order_.begin(), order_.end(), random_);
  }

  Trackers trackers_;
  std::mt19937 random_{std::random_device{}()};
  std::array<std::size_t, 3> order_ = {0, 1, 2};  // without, without again, with
  std::array<double, 3> times_ = {};
  std::size_t block_ = 0;
  Clock::time_point start_;
};

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    OwnArguments own;
    const auto args = downbeat::parse_training_arguments(argc, argv, own);
    downbeat::set_num_threads(own.threads);
    downbeat::set_seed(args.seed);
    downbeat::TrainingArguments without_trackers = args;
    without_trackers.report_to = {"none"};
    downbeat::Trainer trainer(std::make_shared<Network>(own.hidden), without_trackers,
                              downbeat::TensorDataset(at::rand({1024, 64}), at::randint(10, {1024}, at::kLong)),
                              downbeat::Callbacks(InBlocks(downbeat::report_to(args))));
    trainer.compute_loss_func = downbeat::cross_entropy;
    trainer.train();
  });
}
