// TorchStepPolicy: what one step of the loop does to a torch::nn::Module. All of it that needs neither the class of the
// model nor that of the data, so that it is compiled once; BoundStepPolicy in trainer.h knows these two.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "callbacks/vocabulary/checkpoint.h"
#include "callbacks/vocabulary/logs.h"
#include "callbacks/vocabulary/model_description.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"
#include "trainer/checkpoint/model_checkpoints.h"
#include "trainer/data/batch.h"
#include "trainer/data/batch_loader.h"
#include "trainer/data/sampler.h"
#include "trainer/data/shard.h"
#include "trainer/distributed/gradient_reducer.h"
#include "trainer/distributed/process_group.h"
#include "trainer/evaluation/evaluation.h"
#include "trainer/loss/compute_loss.h"
#include "trainer/loss/running_loss.h"
#include "trainer/optim/gradients.h"
#include "trainer/optim/lr_scheduler.h"
#include "trainer/optim/optimizer.h"
#include "trainer/requests.h"

namespace torch::nn {
class Module;
}

namespace downbeat {

// What a model made of one batch; each may be undefined.
struct ForwardResult {
  at::Tensor loss;
  at::Tensor logits;
  at::Tensor labels;
  at::Tensor inputs;                          // the main ones, for metrics
  std::optional<int64_t> num_items_in_batch;  // what the model was told, where it asks for it
};

// What one evaluation or prediction runs over.
struct PredictionSet {
  std::string prefix;  // of its metrics: eval, eval_NAME, test
  int64_t size = 0;
  std::function<void(const Sampler&)> begin = {};      // a pass
  std::function<ForwardResult()> forward_next = {};    // its next batch
  std::function<std::vector<int64_t>()> lengths = {};  // of the examples; empty: it has none
  bool gathers_logits = false;                         // also without compute_metrics
};

// What the user may set on a Trainer.
struct TrainerFunctions {
  ComputeLoss compute_loss_func;
  ComputeMetrics compute_metrics;
  PreprocessLogitsForMetrics preprocess_logits_for_metrics;
  bool inference_mode = false;  // evaluate and predict under c10::InferenceMode
};

// What the class of a model says about itself (forward.h).
struct ModelTraits {
  bool takes_num_items_in_batch = false;
  bool loss_shifts_labels = false;
  bool counts_first_labels = false;

  constexpr bool counts_shifted() const { return loss_shifts_labels && !counts_first_labels; }
};

class TorchStepPolicy {
 public:
  // Moves the model to the device of the arguments. `args` are resolved; `functions` are read when they are used.
  TorchStepPolicy(std::shared_ptr<torch::nn::Module> model, const TrainingArguments& args,
                  const TrainerFunctions& functions, int64_t train_size, ModelTraits traits);
  virtual ~TorchStepPolicy();
  TorchStepPolicy(const TorchStepPolicy&) = delete;
  TorchStepPolicy& operator=(const TorchStepPolicy&) = delete;

  // What the loop calls; see StepPolicy in loop.h.
  int64_t batches_per_epoch() const { return train_sampler_.batches(); }
  int64_t train_batch_size() const { return train_batch_size_; }
  void set_train_batch_size(int64_t size);
  bool shrink_train_batch(const std::exception_ptr& exception);
  TrainerState read_checkpoint(const std::string& directory) { return checkpoints_.read(directory); }
  void begin_train(const TrainerState& state);
  void restore_checkpoint() { checkpoints_.restore(optimizer(), lr_scheduler()); }
  void restore_random_state() { checkpoints_.restore_random_state(); }
  void begin_epoch(int64_t epoch, int64_t passed_over);
  void begin_step(int64_t substeps);
  void load_batch(int64_t substep) { select_batch(substep, device_); }
  bool forward_backward(int64_t substeps, int64_t steps_since_log, bool is_last_substep, bool has_requests);
  void collect_gradients();
  void clip_gradients() { norm_ = clip_grad_norm_(gradients_.tensors, args_.max_grad_norm); }
  void optimizer_step();
  void scheduler_step() { lr_scheduler().step(); }
  bool scheduler_wants_metric() { return lr_scheduler().wants_metric(); }
  void scheduler_step(double metric) { lr_scheduler().step(metric); }
  void zero_gradients();
  int64_t input_tokens();  // of the selected batch, as include_num_input_tokens_seen counts
  void add_token_speed(Logs& logs, const TrainerState& state) const;
  Logs train_logs(int64_t steps);
  Logs train_metrics(const TrainerState& state);
  int64_t evaluation_sets() const { return given_set_ ? 1 : static_cast<int64_t>(evaluation_sets_.size()); }
  std::string select_evaluation_set(int64_t number);
  void begin_prediction();
  void end_train();
  bool prediction_waits_for_others() const;
  int64_t prediction_batches() const { return prediction_sampler_.batches(); }
  void prediction_step(int64_t batch);
  Metrics prediction_metrics(const std::string& prefix);
  Checkpoint checkpoint(int64_t step) const { return checkpoints_.checkpoint(step); }
  bool has_checkpoint(int64_t step) { return checkpoints_.exists(step); }
  void save_checkpoint(const TrainerState& state) { checkpoints_.save(state, optimizer(), lr_scheduler()); }
  std::optional<Checkpoint> take_saved(bool wait) { return checkpoints_.take_saved(wait); }
  void finish_checkpoints(const TrainerState& state) { checkpoints_.finish(state); }
  const ProcessEnvironment& processes() const { return group_->environment(); }
  Requests agreed(const Requests& requests);
  void leave_with_error(const std::string& sentence) { group_->leave_with_error(sentence); }

  // Until reset_prediction_set() it stands in for the evaluation sets.
  void use_prediction_set(PredictionSet set);
  void reset_prediction_set();
  EvalPrediction prediction() const;

  std::string checkpoint_to_resume(const std::string& resume_from_checkpoint);
  void save_model(const std::string& directory) const { checkpoints_.save_model(directory); }
  at::Device device() const { return device_; }
  Workers workers() const {
    return {.num_workers = args_.dataloader_num_workers,
            .prefetch_factor = args_.dataloader_prefetch_factor.value_or(2)};
  }

  const ModelDescription& model_description() const { return *model_description_; }
  ProcessGroup& process_group() { return *group_; }

 protected:
  virtual std::vector<int64_t> train_lengths() const = 0;                 // empty: the training set has none
  virtual void begin_batches(const Sampler& sampler, int64_t first) = 0;  // of an epoch
  // The batches of one step, fetched together as HuggingFace does: the loss may need the number of their labels.
  virtual void fetch_batches(int64_t count) = 0;
  virtual std::optional<int64_t> labels_in_step() const = 0;  // other than -100; nothing where there are no labels
  virtual void select_batch(int64_t substep, at::Device device) = 0;
  // With the number of labels of the step, where the batches have labels, for a model that asks for it.
  virtual std::optional<int64_t> tokens_in_selected(bool non_padding) const = 0;  // nothing: it has no tokens
  virtual ForwardResult forward_selected(std::optional<int64_t> num_items_in_batch) = 0;

  virtual std::string model_config() const = 0;  // config.json; empty: none

  void add_evaluation_set(PredictionSet set) { evaluation_sets_.push_back(std::move(set)); }
  // Waits for their workers. For the destructor of who owns the data, which these may still be reading.
  void drop_prediction_sets() {
    evaluation_sets_.clear();
    given_set_.reset();
  }

  // Made when first asked for, so that hooks may see them in an evaluation before any training.
  Optimizer& optimizer();
  LRScheduler& lr_scheduler();
  // Of labels, which the loss of a rank is divided by: those of all ranks, unless average_tokens_across_devices is off.
  std::optional<int64_t> over_ranks(std::optional<int64_t> count);
  Gradients& gradients() { return gradients_; }
  const GradientNorm& gradient_norm() const { return norm_; }

 private:
  at::Tensor training_loss(int64_t substeps);  // of the selected batch
  at::Tensor loss_of(const ForwardResult& result, std::optional<int64_t> num_items_in_batch) const;
  at::Tensor own_loss_of(const ForwardResult& result, std::optional<int64_t> num_items_in_batch) const;  // not scaled
  Shard shard() const { return {.rank = group_->rank(), .world_size = group_->world_size()}; }
  Sampler sampler(int64_t size, int64_t batch_size) const;
  void join_ranks();
  bool counts_items() const;
  bool is_scaled(const ForwardResult& result) const;
  const PredictionSet& selected_set() const;
  bool gathers_logits() const;
  bool includes(const char* what) const;  // for metrics
  void compute_batch_metrics(const at::Tensor& loss, const ForwardResult& result, int64_t batch);
  ForwardResult run_model(const std::function<ForwardResult()>& run) const;
  void set_training(bool on);
  void order_train_samples(int64_t epoch);

  std::shared_ptr<torch::nn::Module> model_;
  const TrainingArguments args_;
  const TrainerFunctions& functions_;
  const ModelTraits traits_;
  std::shared_ptr<ProcessGroup> group_;
  at::Device device_;
  NamedParameters parameters_;  // those that require a gradient, in the order of the model

  int64_t train_batch_size_;
  Sampler train_sampler_;
  int64_t train_size_;
  int64_t base_seed_ = 0;
  std::unique_ptr<const ModelDescription> model_description_;
  ModelCheckpoints checkpoints_;

  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<LRScheduler> lr_scheduler_;
  std::unique_ptr<GradientReducer> reducer_;   // of this run; null where a process is alone
  std::optional<int64_t> num_items_in_batch_;  // labels of this step, for a loss that counts them
  Gradients gradients_;
  GradientNorm norm_;
  RunningLoss running_loss_;
  double total_loss_ = 0;
  std::optional<double> last_lr_;  // used by the last step of this epoch
  bool warned_of_tokens_ = false;
  double train_started_ = 0;  // seconds
  int64_t initial_step_ = 0;  // of this run: that of the checkpoint it goes on from
  int64_t initial_tokens_ = 0;

  std::vector<PredictionSet> evaluation_sets_;
  std::optional<PredictionSet> given_set_;
  std::size_t selected_set_ = 0;
  Sampler prediction_sampler_{0, 1, false};
  Evaluation evaluation_;
  Metrics batch_metrics_;  // of the last call, with batch_eval_metrics
  double prediction_started_ = 0;
  std::optional<double> model_preparation_time_;
  double construction_time_ = 0;
  bool was_trained_ = false;
};

int64_t sum_of(const at::Tensor& mask);  // waits for the device

// The number of labels other than -100; nothing for an undefined tensor. With `shifted` the first position, which no
// token is predicted for, does not count. Waits for the device.
std::optional<int64_t> count_labels(const at::Tensor& labels, bool shifted);

}  // namespace downbeat
