// Every misuse of Trainer that the compiler explains, and the sentence that it says first. sentences_test.sh compiles
// each case with its REJECT lines, where the sentence behind CASE must be the first error, and all cases together with
// their ACCEPT lines, where there must be none. A long sentence goes on in the next line.
#ifdef DOWNBEAT_REJECT
#define REJECT(...) __VA_ARGS__
#define ACCEPT(...)
#else
#define REJECT(...)
#define ACCEPT(...) __VA_ARGS__
#endif

#include <torch/nn/module.h>

#include "trainer/trainer.h"

using namespace downbeat;

struct Model : torch::nn::Module {
  at::Tensor forward(const at::Tensor& inputs) { return inputs; }
};
struct OtherModel : Model {};
struct Hears {
  void on_step_end() {}
};
inline const TrainingArguments args;
inline std::shared_ptr<Model> model() { return std::make_shared<Model>(); }
inline TensorDataset data() { return TensorDataset(at::Tensor()); }

// CASE a dataset has size() and get_batch(indices), or size(), get(index) and, unless examples are {inputs, labels},
//      collate(examples)
namespace a_dataset_without_size {
struct Data {
  ACCEPT(int64_t size() const { return 1; })
  Batch get_batch(Indices) const { return {}; }
};
void train() { Trainer trainer(model(), args, Data{}); }
}  // namespace a_dataset_without_size

// CASE a dataset has size() and get_batch(indices), or size(), get(index) and, unless examples are {inputs, labels},
//      collate(examples)
namespace examples_that_nobody_can_stack {
struct Example {
  ACCEPT(at::Tensor) REJECT(std::string) inputs;
  int64_t labels;
};
struct Data {
  int64_t size() const { return 1; }
  Example get(int64_t) const { return {}; }
};
void train() { Trainer trainer(model(), args, Data{}); }
}  // namespace examples_that_nobody_can_stack

// CASE a dataset has size() and get_batch(indices), or size(), get(index) and, unless examples are {inputs, labels},
//      collate(examples)
namespace an_evaluation_set_that_is_none {
struct Data {
  int64_t size() const { return 1; }
  Batch get_batch(Indices) REJECT() ACCEPT(const) { return {}; }
};
void train() { Trainer trainer(model(), args, data(), Data{}); }
}  // namespace an_evaluation_set_that_is_none

// CASE the model has no forward() that takes what the dataset gives, neither batch.inputs nor batch
namespace a_model_that_takes_something_else {
struct Takes : torch::nn::Module {
  at::Tensor forward(ACCEPT(const at::Tensor&) REJECT(const std::string&)) { return {}; }
};
void train() { Trainer trainer(std::make_shared<Takes>(), args, data()); }
}  // namespace a_model_that_takes_something_else

// CASE the model has no forward() that takes what the dataset gives, neither batch.inputs nor batch
namespace a_private_forward {
class Hides : public torch::nn::Module {
  ACCEPT(public:)
  at::Tensor forward(const at::Tensor& inputs) { return inputs; }
};
void train() { Trainer trainer(std::make_shared<Hides>(), args, data()); }
}  // namespace a_private_forward

// CASE the model's forward() returns logits, or a loss and logits (ModelOutput or a pair)
namespace a_model_that_returns_something_else {
struct Returns : torch::nn::Module {
  ACCEPT(ModelOutput) REJECT(double) forward(const at::Tensor&) { return {}; }
};
void train() { Trainer trainer(std::make_shared<Returns>(), args, data()); }
}  // namespace a_model_that_returns_something_else

// CASE the model has no forward() that takes what this dataset gives
namespace another_set_that_the_model_cannot_take {
struct Words {
  std::string text;
  ACCEPT(at::Tensor inputs;)
};
struct Data {
  int64_t size() const { return 1; }
  Words get_batch(Indices) const { return {}; }
};
void evaluate(Trainer<Model, TensorDataset>& trainer) { trainer.evaluate(Data{}); }
}  // namespace another_set_that_the_model_cannot_take

// CASE compute_loss_func takes (logits, labels) or (logits, labels, num_items_in_batch) and returns the loss
namespace a_loss_of_one_thing {
void train() {
  Trainer trainer(model(), args, data());
  trainer.compute_loss_func = [](const at::Tensor& logits ACCEPT(, const at::Tensor&)) { return logits; };
}
}  // namespace a_loss_of_one_thing

// CASE compute_loss_func takes (logits, labels) or (logits, labels, num_items_in_batch) and returns the loss
namespace a_loss_that_is_no_tensor {
void train() {
  Trainer trainer(model(), args, data());
  trainer.compute_loss_func = [](const at::Tensor& logits, const at::Tensor&) {
    return REJECT(std::string("no loss") + std::to_string(logits.dim())) ACCEPT(logits);
  };
}
}  // namespace a_loss_that_is_no_tensor

// CASE this callback is part of the static tuple and cannot be removed at run time; leave it out, or call remove<T>()
//      on the callbacks before Trainer is constructed
namespace removing_a_static_callback {
void train() {
  Trainer trainer(model(), args, data(), Callbacks(REJECT(Hears{})));
  trainer.remove_callback<Hears>();
}
}  // namespace removing_a_static_callback

// CASE this callback is part of the static tuple and cannot be removed at run time; leave it out, or call remove<T>()
//      on the callbacks before Trainer is constructed
namespace popping_a_static_callback {
void train() {
  Trainer trainer(model(), args, data());
  trainer.pop_callback<ACCEPT(Hears) REJECT(DefaultFlowCallback)>();
}
}  // namespace popping_a_static_callback

// CASE on_step_end does not provide this parameter
namespace a_batch_after_the_step {
struct Callback {
  void on_substep_begin(Batch&) {}
  void on_step_end(REJECT(const Batch&)) {}
};
void train() { Trainer trainer(model(), args, data(), Callbacks(Callback{})); }
}  // namespace a_batch_after_the_step

// CASE on_init_end does not provide this parameter
namespace an_optimizer_before_training {
struct Callback {
  void on_init_end(REJECT(const Optimizer&)) {}
  void on_train_begin(const Optimizer&, LRScheduler&) {}
};
void train() { Trainer trainer(model(), args, data(), Callbacks(Callback{})); }
}  // namespace an_optimizer_before_training

// CASE on_train_begin does not provide this parameter
namespace another_model {
struct Callback {
  void on_train_begin(ACCEPT(torch::nn::Module&) REJECT(OtherModel&)) {}
};
void train() { Trainer trainer(model(), args, data(), Callbacks(Callback{})); }
}  // namespace another_model

// CASE on_gradients_ready does not provide this parameter
namespace a_norm_before_clipping {
struct Callback {
  void on_gradients_ready(Gradients& REJECT(, const GradientNorm&)) {}
  void on_pre_optimizer_step(const Gradients&, GradientNorm) {}
};
void train() { Trainer trainer(model(), args, data(), Callbacks(Callback{})); }
}  // namespace a_norm_before_clipping

// CASE on_pre_optimizer_step provides this parameter read-only; take it as const T& or by value
namespace a_norm_to_change {
struct Callback {
  void on_pre_optimizer_step(ACCEPT(const) GradientNorm&) {}
};
void train() { Trainer trainer(model(), args, data(), Callbacks(Callback{})); }
}  // namespace a_norm_to_change

// CASE on_step_end cannot pass this parameter through virtual functions; put the callback into the tuple
namespace a_model_at_run_time {
struct Callback {
  void on_step_end(REJECT(Model&)) {}
};
void train() {
  Trainer trainer(model(), args, data());
  trainer.add_callback(Callback{});
}
}  // namespace a_model_at_run_time

// CASE a Trainer is made of (std::shared_ptr<Model>, TrainingArguments, train dataset[, eval dataset][,
//      Callbacks(...)])
namespace a_model_by_value {
void train() { Trainer trainer(REJECT(Model{}) ACCEPT(model()), args, data()); }
}  // namespace a_model_by_value

// CASE a Trainer is made of (std::shared_ptr<Model>, TrainingArguments, train dataset[, eval dataset][,
//      Callbacks(...)])
namespace data_before_arguments {
void train() { Trainer trainer(model(), REJECT(data(), args) ACCEPT(args, data())); }
}  // namespace data_before_arguments

// CASE a Trainer is made of (std::shared_ptr<Model>, TrainingArguments, train dataset[, eval dataset][,
//      Callbacks(...)])
namespace callbacks_before_the_evaluation_set {
void train() {
  Trainer trainer(model(), args, data(), ACCEPT(data(), Callbacks(Hears{})) REJECT(Callbacks(Hears{}), data()));
}
}  // namespace callbacks_before_the_evaluation_set

// CASE a Trainer is made of (std::shared_ptr<Model>, TrainingArguments, train dataset[, eval dataset][,
//      Callbacks(...)])
namespace no_data {
void train() { Trainer trainer(model(), args ACCEPT(, data())); }
}  // namespace no_data

// CASE a Trainer is made of (std::shared_ptr<Model>, TrainingArguments, train dataset[, eval dataset][,
//      Callbacks(...)])
namespace a_callback_without_callbacks {
void train() { Trainer trainer(model(), args, data(), data(), REJECT(Hears{}) ACCEPT(Callbacks(Hears{}))); }
}  // namespace a_callback_without_callbacks

// CASE on_step_end asks for what all ranks have to use together, but runs_on keeps this callback to some of them; leave
//      out runs_on or do without it
namespace a_process_group_on_one_rank {
struct Callback {
  REJECT(static constexpr RunsOn runs_on = RunsOn::world_zero;)
  void on_step_end(ProcessGroup&) {}
};
void train() { Trainer trainer(model(), args, data(), Callbacks(Callback{})); }
}  // namespace a_process_group_on_one_rank
