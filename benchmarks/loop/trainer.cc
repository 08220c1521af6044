// One process of the loop benchmark: downbeat::Trainer. measured_run.h says how it is started.
#include "trainer/trainer.h"

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <utility>

#include "benchmarks/loop/measured_run.h"
#include "benchmarks/loop/workload.h"

namespace {

using namespace benchmark_loop;

struct StopwatchCallback {
  Stopwatch* stopwatch;
  void on_step_end(const downbeat::TrainerState& state) { stopwatch->step_done(state.global_step); }
};
struct LightCallback : Light {
  void on_step_end(const downbeat::TrainerState& state) { hear_step(state.global_step); }
};

downbeat::TrainingArguments arguments(const RunArguments& run, const Workload& work) {
  return {.output_dir = "unused",
          .per_device_train_batch_size = work.batch_size,
          .max_steps = run.all_steps(),
          .learning_rate = kLearningRate,
          .weight_decay = kWeightDecay,
          .gradient_accumulation_steps = run.accumulation,
          .max_grad_norm = kMaxGradNorm,
          .logging_strategy = downbeat::IntervalStrategy::no,
          .disable_tqdm = true,
          .save_strategy = downbeat::SaveStrategy::no,
          .seed = kSeed,
          .use_cpu = true};
}

template <class Model, std::size_t... i>
void train(const std::shared_ptr<Model>& model, const RunArguments& run, const Workload& work,
           std::index_sequence<i...>) {
  Stopwatch stopwatch(run);
  downbeat::Trainer trainer(
      model, arguments(run, work), downbeat::TensorDataset(work.inputs, work.labels),
      downbeat::Callbacks(StopwatchCallback{&stopwatch}, (static_cast<void>(i), LightCallback())...));
  trainer.template remove_callback<downbeat::PrinterCallback>();
  if (work.loss) trainer.compute_loss_func = work.loss;
  const downbeat::TrainOutput out = trainer.train();
  stopwatch.print(out.training_loss, checksum(*model));
}

void train(const RunArguments& run, const Workload& work) {
  if (work.gpt && run.callbacks == 0) return train(work.gpt, run, work, std::make_index_sequence<0>());
  if (work.model && run.callbacks == 0) return train(work.model, run, work, std::make_index_sequence<0>());
  if (work.model && run.callbacks == 4) return train(work.model, run, work, std::make_index_sequence<4>());
  if (work.model && run.callbacks == 16) return train(work.model, run, work, std::make_index_sequence<16>());
  throw std::invalid_argument("there are 0, 4 or 16 callbacks, and none for gpt");
}

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    const RunArguments run = parse(argc, argv);
    downbeat::set_num_threads(1);
    train(run, make_workload(run.model));
  });
}
