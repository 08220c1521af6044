// TorchStepPolicy: what one step of the loop does to a torch::nn::Module. All of it that needs neither the class of the
// model nor that of the data, so that it is compiled once; BoundStepPolicy in trainer.h knows these two.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "callbacks/vocabulary/checkpoint.h"
#include "callbacks/vocabulary/logs.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"
#include "trainer/checkpoint/model_checkpoints.h"
#include "trainer/data/batch.h"
#include "trainer/data/sampler.h"
#include "trainer/evaluation/evaluation.h"
#include "trainer/loss/compute_loss.h"
#include "trainer/loss/running_loss.h"
#include "trainer/optim/gradients.h"
#include "trainer/optim/lr_scheduler.h"
#include "trainer/optim/optimizer.h"

namespace torch::nn {
class Module;
}

namespace downbeat {

// What a model made of one batch; each may be undefined.
struct ForwardResult {
  at::Tensor loss;
  at::Tensor logits;
  at::Tensor labels;
};

// What the user may set on a Trainer.
struct TrainerFunctions {
  ComputeLoss compute_loss_func;
  ComputeMetrics compute_metrics;
  PreprocessLogitsForMetrics preprocess_logits_for_metrics;
};

class TorchStepPolicy {
 public:
  // Moves the model to the device of the arguments. `args` are resolved; `functions` are read when they are used.
  TorchStepPolicy(std::shared_ptr<torch::nn::Module> model, const TrainingArguments& args,
                  const TrainerFunctions& functions, int64_t train_size, int64_t eval_size);
  virtual ~TorchStepPolicy();
  TorchStepPolicy(const TorchStepPolicy&) = delete;
  TorchStepPolicy& operator=(const TorchStepPolicy&) = delete;

  // What the loop calls; see StepPolicy in loop.h.
  int64_t batches_per_epoch() const { return train_sampler_.batches(); }
  void begin_train(const TrainerState& state);
  void begin_epoch(int64_t epoch);
  void begin_step(int64_t first_batch, int64_t substeps);
  void load_batch(int64_t substep) { select_batch(substep, device_); }
  void forward_backward(int64_t substeps, int64_t steps_since_log);
  void collect_gradients();
  void clip_gradients() { norm_ = clip_grad_norm_(gradients_.tensors, args_.max_grad_norm); }
  void optimizer_step();
  void scheduler_step() { lr_scheduler().step(); }
  void zero_gradients();
  Logs train_logs(int64_t steps);
  Logs train_metrics(const TrainerState& state);
  void begin_prediction();
  int64_t prediction_batches() const { return prediction_sampler().batches(); }
  void prediction_step(int64_t batch);
  Metrics prediction_metrics(const std::string& prefix);
  Checkpoint checkpoint(int64_t step) const { return checkpoints_.checkpoint(step); }
  bool has_checkpoint(int64_t step) const { return checkpoints_.exists(step); }
  void save_checkpoint(const TrainerState& state) { checkpoints_.save(state); }
  void rotate_checkpoints(const TrainerState& state) { checkpoints_.rotate(state); }
  void finish_checkpoints(const TrainerState& state) { checkpoints_.finish(state); }

  // The set of the next evaluation or prediction, and how a batch of it is run. Until reset_prediction_set() it
  // replaces the evaluation set. `gathers_logits` also without compute_metrics (predict).
  void use_prediction_set(int64_t size, std::function<ForwardResult(Indices)> forward, bool gathers_logits);
  void reset_prediction_set();
  EvalPrediction prediction() const;

  void save_model(const std::string& directory) const { checkpoints_.save_model(directory); }
  at::Device device() const { return device_; }

 protected:
  // The batches of one step, fetched together as HuggingFace does: the loss may need the number of their labels.
  virtual void fetch_batches(const std::vector<Indices>& batches) = 0;
  virtual int64_t labels_in_step() const = 0;  // other than -100
  virtual void select_batch(int64_t substep, at::Device device) = 0;
  virtual ForwardResult forward_selected() = 0;
  virtual ForwardResult forward_eval(Indices indices, at::Device device) = 0;

  // Made when first asked for, so that hooks may see them in an evaluation before any training.
  Optimizer& optimizer();
  LRScheduler& lr_scheduler();
  Gradients& gradients() { return gradients_; }
  const GradientNorm& gradient_norm() const { return norm_; }

 private:
  at::Tensor loss_of(const ForwardResult& result, int64_t num_items_in_batch) const;
  const Sampler& prediction_sampler() const { return prediction_set_ ? prediction_set_->sampler : eval_sampler_; }
  bool gathers_logits() const;
  void set_training(bool on);

  std::shared_ptr<torch::nn::Module> model_;
  const TrainingArguments args_;
  const TrainerFunctions& functions_;
  at::Device device_;
  NamedParameters parameters_;  // those that require a gradient, in the order of the model

  Sampler train_sampler_;
  Sampler eval_sampler_;
  int64_t train_size_;
  int64_t base_seed_ = 0;
  ModelCheckpoints checkpoints_;

  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<LRScheduler> lr_scheduler_;
  int64_t num_items_in_batch_ = 0;  // labels of this step, for a loss that counts them
  Gradients gradients_;
  GradientNorm norm_;
  RunningLoss running_loss_;
  double total_loss_ = 0;
  std::optional<double> last_lr_;  // used by the last step of this epoch
  double train_started_ = 0;       // seconds

  struct PredictionSet {
    Sampler sampler;
    std::function<ForwardResult(Indices)> forward;
    bool gathers_logits;
  };
  std::optional<PredictionSet> prediction_set_;
  Evaluation evaluation_;
  double prediction_started_ = 0;
  std::optional<double> model_preparation_time_;
  double construction_time_ = 0;
  bool was_trained_ = false;
};

// The number of labels other than -100; 0 for an undefined tensor. Waits for the device.
int64_t count_labels(const at::Tensor& labels);

}  // namespace downbeat
