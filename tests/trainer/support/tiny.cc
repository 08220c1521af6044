#include "tests/trainer/support/tiny.h"

#include <ATen/ops/linear.h>

#include <stdexcept>
#include <utility>

#include "tests/trainer/support/tensors.h"

namespace downbeat {
template class Trainer<testing::Tiny, TensorDataset, TensorDataset, testing::Hooks>;
}  // namespace downbeat

namespace downbeat::testing {

Tiny::Tiny() {
  weight = register_parameter("weight", fractions(6).view({3, 2}));
  bias = register_parameter("bias", fractions(3, 1));
}

at::Tensor Tiny::forward(const at::Tensor& inputs) {
  if (forwards++ == throw_at_forward) throw std::domain_error("the model broke");
  was_training_at_forward.push_back(is_training());
  return at::linear(inputs, weight, bias);
}

TensorDataset tiny_set(int64_t size, int64_t seed) {
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < size; ++i) labels.push_back(i % 3);
  return TensorDataset(fractions(2 * size, seed).view({size, 2}), int64s(labels));
}

TrainingArguments tiny_arguments(TrainingArguments args) {
  const TrainingArguments defaults;
  if (args.per_device_train_batch_size == defaults.per_device_train_batch_size) args.per_device_train_batch_size = 4;
  if (args.output_dir == defaults.output_dir) args.save_strategy = SaveStrategy::no;
  args.disable_tqdm = true;
  args.use_cpu = true;
  return args;
}

TinyRun::TinyRun(const TrainingArguments& args)
    : trainer(model, tiny_arguments(args), tiny_set(8), tiny_set(3, 5), Callbacks(hooks)) {
  set_num_threads(1);
  trainer.compute_loss_func = cross_entropy;
  trainer.compute_metrics = accuracy;
}

}  // namespace downbeat::testing
