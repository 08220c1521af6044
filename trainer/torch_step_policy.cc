#include "trainer/torch_step_policy.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/message.h"
#include "trainer/optim/create_optimizer.h"
#include "trainer/seed.h"

namespace downbeat {
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

at::Device device_of(const TrainingArguments& args) {
  if (args.use_cpu || !at::hasCUDA()) return at::kCPU;
  if (at::getNumGPUs() > 1) {
    warn("one process uses one GPU; for all of them start it by torchrun --no-python --nproc_per_node=gpu PROGRAM");
  }
  return at::Device(at::kCUDA, 0);
}

// PyTorch's data loaders draw a seed for their workers from the default generator at the start of each pass. Whoever
// draws from it afterwards (dropout) sees the same numbers only if this is done here as well.
void draw_loader_seed() { at::empty({}, at::kLong).random_(); }

NamedParameters trainable_parameters(const torch::nn::Module& model) {
  NamedParameters parameters;
  for (const auto& parameter : model.named_parameters()) {
    const auto is_same = [&](const auto& known) { return known.second.is_same(parameter.value()); };
    const bool is_tied = std::any_of(parameters.begin(), parameters.end(), is_same);
    if (parameter.value().requires_grad() && !is_tied) parameters.emplace_back(parameter.key(), parameter.value());
  }
  return parameters;
}

}  // namespace

int64_t count_labels(const at::Tensor& labels) { return labels.defined() ? labels.ne(-100).sum().item<int64_t>() : 0; }

TorchStepPolicy::TorchStepPolicy(std::shared_ptr<torch::nn::Module> model, const TrainingArguments& args,
                                 const TrainerFunctions& functions, int64_t train_size, int64_t eval_size)
    : model_(std::move(model)),
      args_(args),
      functions_(functions),
      device_(device_of(args)),
      train_sampler_(train_size, args.per_device_train_batch_size, args.dataloader_drop_last),
      eval_sampler_(eval_size, args.per_device_eval_batch_size, args.dataloader_drop_last),
      train_size_(train_size),
      checkpoints_(model_, args_) {
  const double started = seconds_now();
  args_.full_determinism ? enable_full_determinism(args_.seed) : set_seed(args_.seed);
  model_->to(device_);
  construction_time_ = seconds_now() - started;
}

TorchStepPolicy::~TorchStepPolicy() = default;

// --- Training ---

void TorchStepPolicy::begin_train(const TrainerState& state) {
  if (batches_per_epoch() == 0) {
    throw std::invalid_argument(absl::StrCat("the training set has ", train_size_, " examples, not one batch of ",
                                             args_.per_device_train_batch_size,
                                             args_.dataloader_drop_last ? " as dataloader_drop_last asks" : ""));
  }
  if (args_.save_strategy != SaveStrategy::no) checkpoints_.prepare();
  optimizer_ = create_optimizer(*model_, args_);
  lr_scheduler_ = std::make_unique<LRScheduler>(*optimizer_, lr_lambda(args_, state.max_steps));
  parameters_ = trainable_parameters(*model_);
  base_seed_ =
      args_.data_seed.value_or(static_cast<int64_t>(at::globalContext().defaultGenerator(at::kCPU).current_seed()));
  running_loss_ = {};
  total_loss_ = 0;
  was_trained_ = true;
  train_started_ = seconds_now();
  zero_gradients();
}

void TorchStepPolicy::begin_epoch(int64_t epoch) {
  if (args_.train_sampling_strategy == SamplingStrategy::random) train_sampler_.shuffle(base_seed_, epoch);
  draw_loader_seed();
  norm_ = {};
  last_lr_.reset();
}

void TorchStepPolicy::begin_step(int64_t first_batch, int64_t substeps) {
  std::vector<Indices> batches;
  for (int64_t i = 0; i < substeps; ++i) batches.push_back(train_sampler_.batch(first_batch + i));
  fetch_batches(batches);
  num_items_in_batch_ = functions_.compute_loss_func.counts_items() ? labels_in_step() : 0;
}

void TorchStepPolicy::forward_backward(int64_t substeps, int64_t steps_since_log) {
  set_training(true);
  at::Tensor loss = loss_of(forward_selected(), num_items_in_batch_);
  if (!loss.defined()) {
    throw std::invalid_argument(
        "the model returns no loss; set trainer.compute_loss_func, for example to downbeat::cross_entropy, or let "
        "forward() return a loss and logits");
  }
  if (!functions_.compute_loss_func.counts_items() && substeps > 1) loss = loss / substeps;
  loss.backward();
  running_loss_.add(loss.detach(), steps_since_log, args_.logging_nan_inf_filter);
}

at::Tensor TorchStepPolicy::loss_of(const ForwardResult& result, int64_t num_items_in_batch) const {
  const ComputeLoss& compute_loss = functions_.compute_loss_func;
  const bool smooths = args_.label_smoothing_factor != 0 && (!compute_loss || compute_loss.is_cross_entropy());
  if (result.labels.defined() && smooths) {
    return label_smoothed_cross_entropy(result.logits, result.labels, args_.label_smoothing_factor);
  }
  return compute_loss ? compute_loss(result.logits, result.labels, num_items_in_batch) : result.loss;
}

void TorchStepPolicy::collect_gradients() {
  gradients_.tensors.clear();
  gradients_.names.clear();
  for (const auto& [name, parameter] : parameters_) {
    if (!parameter.grad().defined()) continue;
    gradients_.tensors.push_back(parameter.grad());
    gradients_.names.push_back(name);
  }
}

void TorchStepPolicy::optimizer_step() {
  last_lr_ = lr_scheduler().last_lr();
  optimizer().step();
}

void TorchStepPolicy::zero_gradients() {
  optimizer().zero_grad();
  gradients_.tensors.clear();
}

Logs TorchStepPolicy::train_logs(int64_t steps) {
  const double sum = running_loss_.take();
  total_loss_ += sum;
  Logs logs{{"loss", sum / static_cast<double>(steps)}};
  if (norm_.total.defined()) logs["grad_norm"] = norm_.value();
  logs["learning_rate"] = last_lr_.value_or(lr_scheduler().last_lr());
  return logs;
}

Logs TorchStepPolicy::train_metrics(const TrainerState& state) {
  total_loss_ += running_loss_.take();
  const double steps = static_cast<double>(state.global_step);
  const double planned_samples =
      args_.max_steps > 0
          ? static_cast<double>(args_.max_steps * args_.per_device_train_batch_size * args_.gradient_accumulation_steps)
          : static_cast<double>(train_size_) * args_.num_train_epochs;
  Logs metrics;
  add_speed_metrics(metrics, "train", seconds_now() - train_started_,
                    planned_samples * steps / static_cast<double>(std::max<int64_t>(1, state.max_steps)),
                    state.global_step);
  metrics["total_flos"] = state.total_flos;
  metrics["train_loss"] = total_loss_ / std::max(steps, 0.001);
  return metrics;
}

void TorchStepPolicy::set_training(bool on) {
  if (model_->is_training() != on) model_->train(on);
}

Optimizer& TorchStepPolicy::optimizer() {
  if (!optimizer_) optimizer_ = create_optimizer(*model_, args_);
  return *optimizer_;
}

LRScheduler& TorchStepPolicy::lr_scheduler() {
  if (!lr_scheduler_) {
    const int64_t max_steps = std::max<int64_t>(1, args_.max_steps);
    lr_scheduler_ = std::make_unique<LRScheduler>(optimizer(), lr_lambda(args_, max_steps));
  }
  return *lr_scheduler_;
}

// --- Evaluation and prediction ---

void TorchStepPolicy::use_prediction_set(int64_t size, std::function<ForwardResult(Indices)> forward,
                                         bool gathers_logits) {
  prediction_set_ = PredictionSet{Sampler(size, args_.per_device_eval_batch_size, args_.dataloader_drop_last),
                                  std::move(forward), gathers_logits};
}

void TorchStepPolicy::reset_prediction_set() { prediction_set_.reset(); }

void TorchStepPolicy::begin_prediction() {
  if (!was_trained_ && !model_preparation_time_) model_preparation_time_ = construction_time_;
  prediction_started_ = seconds_now();
  evaluation_ = {};
  draw_loader_seed();
}

bool TorchStepPolicy::gathers_logits() const {
  if (args_.prediction_loss_only) return false;
  return functions_.compute_metrics || (prediction_set_ && prediction_set_->gathers_logits);
}

void TorchStepPolicy::prediction_step(int64_t batch) {
  const c10::NoGradGuard no_grad;
  set_training(false);
  const Indices indices = prediction_sampler().batch(batch);
  const ForwardResult result = prediction_set_ ? prediction_set_->forward(indices) : forward_eval(indices, device_);
  const bool counts = functions_.compute_loss_func.counts_items();
  // Without labels, as in predict(), a function of the labels has nothing to say; training calls it all the same.
  const bool has_loss = result.labels.defined() || !functions_.compute_loss_func;
  const at::Tensor loss = has_loss ? loss_of(result, counts ? count_labels(result.labels) : 0) : at::Tensor();
  at::Tensor logits = gathers_logits() ? result.logits : at::Tensor();
  if (logits.defined() && functions_.preprocess_logits_for_metrics) {
    logits = functions_.preprocess_logits_for_metrics(logits, result.labels);
  }
  evaluation_.add(loss, logits, gathers_logits() ? result.labels : at::Tensor(), static_cast<int64_t>(indices.size()));
}

Metrics TorchStepPolicy::prediction_metrics(const std::string& prefix) {
  Metrics computed;
  if (functions_.compute_metrics && gathers_logits()) {
    const EvalPrediction prediction = evaluation_.prediction();
    if (prediction.predictions.defined() && prediction.label_ids.defined()) {
      computed = functions_.compute_metrics(prediction);
    }
  }
  Metrics metrics = prefixed_metrics(computed, evaluation_.mean_loss(args_.logging_nan_inf_filter), prefix);
  if (model_preparation_time_) metrics[prefix + "_model_preparation_time"] = *model_preparation_time_;
  // As HuggingFace counts: the whole set, also where dataloader_drop_last leaves some of it out.
  const int64_t samples = prediction_sampler().size();
  const int64_t steps = (samples + args_.per_device_eval_batch_size - 1) / args_.per_device_eval_batch_size;
  add_speed_metrics(metrics, prefix, seconds_now() - prediction_started_, static_cast<double>(samples), steps);
  return metrics;
}

EvalPrediction TorchStepPolicy::prediction() const { return evaluation_.prediction(); }

}  // namespace downbeat
