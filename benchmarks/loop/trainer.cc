// One process of the loop benchmark: downbeat::Trainer. measured_run.h says how it is started. With
// LOOP_KEEP_FREED_MEMORY in the environment it calls keep_freed_memory() first.
#include <cstdlib>

#include "benchmarks/loop/measured_run.h"
#include "benchmarks/loop/with_trainer.h"
#include "benchmarks/loop/workload.h"

namespace {

using namespace benchmark_loop;

struct StopwatchCallback {
  Stopwatch* stopwatch;
  void on_step_end(const downbeat::TrainerState& state) { stopwatch->step_done(state.global_step); }
};

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    const RunArguments run = parse(argc, argv);
    downbeat::set_num_threads(1);
    if (std::getenv("LOOP_KEEP_FREED_MEMORY")) downbeat::keep_freed_memory();
    const Workload work = make_workload(run.model);
    Stopwatch stopwatch(run);
    const double loss = train_with_trainer(run, work, StopwatchCallback{&stopwatch});
    stopwatch.print(loss, work.gpt ? checksum(*work.gpt) : checksum(*work.model));
  });
}
