// One process of the logging benchmark: a training of which every step is logged, with the trackers of --report_to.
//
//   one_run --report_to=all --output_dir=DIR --max_steps=1500 [--hidden=900] [--threads=1]
//
// Prints the milliseconds of a step, from the second step's begin to the last one's, and the seconds from there to the
// end of the run, in which trackers write what is left.
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/relu.h>
#include <torch/nn/modules/linear.h>

#include <chrono>
#include <iostream>
#include <memory>

#include "callbacks/vocabulary/training_arguments_flags.h"
#include "integrations/report_to.h"
#include "trainer/trainer.h"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

struct OwnArguments {
  int64_t hidden = 900;
  int64_t threads = 1;

  static constexpr const char* kTitle = "Logging benchmark";
  static void describe(auto& field) {
    field("hidden", &OwnArguments::hidden, "Width of the hidden layers: 900 makes a step of about 2 ms.");
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

// The last of the tuple: what the trackers do in the events before lies between its moments.
struct Stopwatch {
  struct Moments {
    Clock::time_point first_step, last_step;
  };
  Moments* moments;

  void on_step_begin(const downbeat::TrainerState& state) {
    if (state.global_step == 1) moments->first_step = Clock::now();
    moments->last_step = Clock::now();
  }
};

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    OwnArguments own;
    const auto args = downbeat::parse_training_arguments(argc, argv, own);
    downbeat::set_num_threads(own.threads);
    downbeat::set_seed(args.seed);
    Stopwatch::Moments moments;
    {
      downbeat::Trainer trainer(std::make_shared<Network>(own.hidden), args,
                                downbeat::TensorDataset(at::rand({1024, 64}), at::randint(10, {1024}, at::kLong)),
                                downbeat::Callbacks(downbeat::report_to(args), Stopwatch{&moments}));
      trainer.compute_loss_func = downbeat::cross_entropy;
      trainer.train();
    }
    const auto steps = static_cast<double>(args.max_steps - 2);
    std::cout << 1e3 * seconds_between(moments.first_step, moments.last_step) / steps << " "
              << seconds_between(moments.last_step, Clock::now()) << "\n";
  });
}
