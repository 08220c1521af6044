// One rank of a training whose gradients lie in buckets of 1 MiB, seen by LibTorch's profiler.
//
//   overlap STEPS WARM_UP TRACE
//
// Rank 0 writes TRACE, for Perfetto and chrome://tracing: STEPS steps after WARM_UP ones, each with its nodes of
// backward and its reductions, from the request to the end.
#include <ATen/record_function.h>
#include <torch/csrc/autograd/profiler_kineto.h>

#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "benchmarks/distributed/workload.h"
#include "trainer/run.h"
#include "trainer/seed.h"
#include "trainer/trainer.h"

namespace {

using namespace benchmark_distributed;
namespace profiler = torch::autograd::profiler;

struct RunArguments {
  int64_t steps = 0, warm_up = 0;
  std::string trace;
};

RunArguments parse(int argc, char** argv) {
  RunArguments run;
  const bool is_right = argc == 4 && absl::SimpleAtoi(argv[1], &run.steps) && absl::SimpleAtoi(argv[2], &run.warm_up) &&
                        run.steps > 0 && run.warm_up > 0;
  if (!is_right) throw std::invalid_argument("usage: overlap STEPS WARM_UP TRACE");
  run.trace = argv[3];
  return run;
}

class TraceCallback {
 public:
  static constexpr downbeat::RunsOn runs_on = downbeat::RunsOn::world_zero;
  explicit TraceCallback(RunArguments run) : run_(std::move(run)) {}

  void on_step_begin() {
    step_ = std::make_unique<at::RecordFunction>(at::RecordScope::USER_SCOPE);
    if (step_->isActive()) step_->before("step");
  }
  void on_step_end(const downbeat::TrainerState& state) {
    step_.reset();
    if (state.global_step == run_.warm_up) begin();
    if (state.global_step == run_.warm_up + run_.steps) profiler::disableProfiler()->save(run_.trace);
  }

 private:
  static void begin() {
    const profiler::ProfilerConfig config(profiler::ProfilerState::KINETO, /*report_input_shapes=*/true);
    const std::set<profiler::ActivityType> activities = {profiler::ActivityType::CPU};
    profiler::prepareProfiler(config, activities);
    profiler::enableProfiler(config, activities);
  }

  RunArguments run_;
  std::unique_ptr<at::RecordFunction> step_;  // open while a step runs
};

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    const RunArguments run = parse(argc, argv);
    downbeat::set_num_threads(1);
    Workload work;
    downbeat::TrainingArguments args = arguments_of(run.warm_up + run.steps, /*find_unused_parameters=*/false);
    args.ddp_bucket_cap_mb = 1;
    downbeat::Trainer trainer(work.network, args, work.rows, downbeat::Callbacks(TraceCallback(run)));
    trainer.remove_callback<downbeat::PrinterCallback>();
    trainer.compute_loss_func = downbeat::cross_entropy;
    trainer.train();
  });
}
