// One process of the loop benchmark: the loop written by hand. measured_run.h says how it is started.
#include "benchmarks/loop/by_hand.h"

#include <cstddef>
#include <vector>

#include "benchmarks/loop/measured_run.h"
#include "benchmarks/loop/workload.h"
#include "trainer/run.h"
#include "trainer/seed.h"

namespace {

using namespace benchmark_loop;

template <class Model>
void train(Model& model, const Workload& work, const RunArguments& run) {
  Stopwatch stopwatch(run);
  std::vector<Light> callbacks(static_cast<std::size_t>(run.callbacks));
  LoopByHand loop(model, work, run);
  for (int64_t step = 1; step <= run.all_steps(); ++step) {
    loop.step();
    stopwatch.step_done(step);
    for (Light& callback : callbacks) callback.hear_step(step);
  }
  stopwatch.print(loop.mean_loss(), checksum(model));
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
