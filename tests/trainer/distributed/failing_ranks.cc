// One rank fails in the way that the command line names; the others say what they make of it (failures_test.py).
//   failing_ranks HOW TIMEOUT
#include <ATen/Parallel.h>
#include <ATen/ops/randn.h>
#include <signal.h>
#include <torch/nn/modules/linear.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

#include "trainer/distributed/gradient_reducer.h"
#include "trainer/distributed/process_environment.h"
#include "trainer/distributed/process_group.h"
#include "trainer/interrupt.h"
#include "trainer/run.h"

namespace {

int failing_rank(const std::string& how) { return how == "killed_with_store" ? 0 : 1; }

void fail(const std::string& how) {
  if (how == "killed" || how == "killed_with_store") kill(getpid(), SIGKILL);
  if (how == "stopped") kill(getpid(), SIGSTOP);
  if (how == "hangs") pause();
  if (how == "throws") throw std::out_of_range("the dataset has no example 7");
  if (how == "leaves") std::_Exit(0);
}

// The failing rank fails before its third step, or has another model or loss from the start.
void train(const std::string& how, downbeat::ProcessGroup& group) {
  const bool fails = group.rank() == failing_rank(how);
  torch::nn::Linear model(4, how == "other_shape" && fails ? 3 : 2);
  const downbeat::NamedParameters parameters = {{"weight", model->weight}, {"bias", model->bias}};
  downbeat::GradientReducer reducer(group, *model, parameters, {});
  for (int step = 0; step < 5; ++step) {
    if (step == 2 && fails) fail(how);
    reducer.before_forward(/*is_last_substep=*/true);
    const at::Tensor out =
        how == "unused" && fails ? at::randn({3, 4}).matmul(model->weight.t()) : model->forward(at::randn({3, 4}));
    reducer.backward(out.sum());
  }
}

void run(const std::string& how, std::chrono::seconds timeout) {
  const downbeat::InterruptGuard guard;  // as in Trainer: torchrun's SIGTERM waits for the end of a step
  const downbeat::ProcessEnvironment environment = downbeat::read_process_environment().value();
  if (how == "late" && environment.rank == failing_rank(how)) {
    pause();
    return;
  }
  downbeat::ProcessGroup group(environment, timeout);
  try {
    train(how, group);
    group.finish();
  } catch (const std::out_of_range& error) {
    group.leave_with_error(error.what());
    throw;
  }
}

}  // namespace

int main(int, char** argv) {
  at::set_num_threads(1);
  return downbeat::run([&] { run(argv[1], std::chrono::seconds(std::stoi(argv[2]))); });
}
