// One rank of a training by downbeat::Trainer, or a process that trains alone.
//
//   training STEPS MARGIN FIND_UNUSED_PARAMETERS
//
// Prints a line of JSON: the rank, the rows a second that it worked on in STEPS steps, and a sum of the weights. MARGIN
// steps before them warm up; as many after them keep the other core busy until every process has been measured.
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "absl/strings/numbers.h"
#include "benchmarks/distributed/workload.h"
#include "trainer/run.h"
#include "trainer/seed.h"
#include "trainer/trainer.h"

namespace {

using namespace benchmark_distributed;

struct RunArguments {
  int64_t steps = 0, margin = 0;
  bool find_unused_parameters = true;
};

RunArguments parse(int argc, char** argv) {
  RunArguments run;
  const bool is_right = argc == 4 && absl::SimpleAtoi(argv[1], &run.steps) && absl::SimpleAtoi(argv[2], &run.margin) &&
                        absl::SimpleAtob(argv[3], &run.find_unused_parameters) && run.steps > 0 && run.margin > 0;
  if (!is_right) throw std::invalid_argument("usage: training STEPS MARGIN FIND_UNUSED_PARAMETERS");
  return run;
}

class StopwatchCallback {
 public:
  explicit StopwatchCallback(const RunArguments& run) : run_(run) {}

  void on_step_end(const downbeat::TrainerState& state) {
    if (state.global_step == run_.margin) begin_ = Clock::now();
    if (state.global_step == run_.margin + run_.steps) end_ = Clock::now();
  }
  double rows_a_second() const {
    const std::chrono::duration<double> seconds = end_ - begin_;
    return static_cast<double>(run_.steps * kBatchSize) / seconds.count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  RunArguments run_;
  Clock::time_point begin_, end_;
};

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    const RunArguments run = parse(argc, argv);
    downbeat::set_num_threads(1);
    Workload work;
    downbeat::Trainer trainer(work.network, arguments_of(run.steps + 2 * run.margin, run.find_unused_parameters),
                              work.rows, downbeat::Callbacks(StopwatchCallback(run)));
    trainer.remove_callback<downbeat::PrinterCallback>();
    trainer.compute_loss_func = downbeat::cross_entropy;
    trainer.train();
    std::printf("{\"rank\": %d, \"rows a second\": %.17g, \"checksum\": %.17g}\n", trainer.process_group().rank(),
                trainer.callbacks().get<StopwatchCallback>().rows_a_second(), checksum(*work.network));
  });
}
