// The training of the loop benchmark by downbeat::Trainer, with an observer of its steps and as many light callbacks as
// asked for.
#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <utility>

#include "benchmarks/loop/measured_run.h"
#include "benchmarks/loop/workload.h"
#include "trainer/trainer.h"

namespace benchmark_loop {

struct LightCallback : Light {
  void on_step_end(const downbeat::TrainerState& state) { hear_step(state.global_step); }
};

inline downbeat::TrainingArguments arguments(const RunArguments& run, const Workload& work) {
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

template <class Model, class Observer, std::size_t... i>
double train(const std::shared_ptr<Model>& model, const RunArguments& run, const Workload& work, Observer observer,
             std::index_sequence<i...>) {
  downbeat::Trainer trainer(model, arguments(run, work), downbeat::TensorDataset(work.inputs, work.labels),
                            downbeat::Callbacks(std::move(observer), (static_cast<void>(i), LightCallback())...));
  trainer.template remove_callback<downbeat::PrinterCallback>();
  if (work.loss) trainer.compute_loss_func = work.loss;
  return trainer.train().training_loss;
}

// The mean loss over all steps. `observer`: a callback, the first of all.
template <class Observer>
double train_with_trainer(const RunArguments& run, const Workload& work, Observer observer) {
  const auto with = [&]<std::size_t n>(const auto& model) {
    return train(model, run, work, std::move(observer), std::make_index_sequence<n>());
  };
  if (work.gpt && run.callbacks == 0) return with.template operator()<0>(work.gpt);
  if (work.model && run.callbacks == 0) return with.template operator()<0>(work.model);
  if (work.model && run.callbacks == 4) return with.template operator()<4>(work.model);
  if (work.model && run.callbacks == 16) return with.template operator()<16>(work.model);
  throw std::invalid_argument("there are 0, 4 or 16 callbacks, and none for gpt");
}

}  // namespace benchmark_loop
