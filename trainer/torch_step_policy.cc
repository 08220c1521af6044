#include "trainer/torch_step_policy.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/message.h"
#include "trainer/autocast.h"
#include "trainer/data/divided_up.h"
#include "trainer/distributed/agreed_requests.h"
#include "trainer/distributed/agreement.h"
#include "trainer/distributed/meet.h"
#include "trainer/distributed/over_ranks.h"
#include "trainer/model_description.h"
#include "trainer/neftune.h"
#include "trainer/optim/create_optimizer.h"
#include "trainer/optim/create_scheduler.h"
#include "trainer/out_of_memory.h"
#include "trainer/seed.h"

namespace downbeat {
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

at::Device device_of(const TrainingArguments& args, const ProcessGroup& group) {
  if (args.use_cpu || !at::hasCUDA()) return at::kCPU;
  if (group.is_distributed()) {
    throw std::invalid_argument("several processes train on the CPU only, as there is no NCCL yet; set use_cpu=true");
  }
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

std::vector<int64_t> checked_lengths(std::vector<int64_t> lengths) {
  if (!lengths.empty()) return lengths;
  throw std::invalid_argument(
      "train_sampling_strategy=group_by_length needs a dataset that has int64_t length(int64_t index)");
}

}  // namespace

int64_t sum_of(const at::Tensor& mask) { return mask.sum().item<int64_t>(); }

std::optional<int64_t> count_labels(const at::Tensor& labels, bool shifted) {
  if (!labels.defined()) return std::nullopt;
  const at::Tensor counted = shifted ? labels.slice(/*dim=*/-1, /*start=*/1) : labels;
  return counted.ne(-100).sum().item<int64_t>();
}

TorchStepPolicy::TorchStepPolicy(std::shared_ptr<torch::nn::Module> model, const TrainingArguments& args,
                                 const TrainerFunctions& functions, int64_t train_size, ModelTraits traits)
    : model_(std::move(model)),
      args_(args),
      functions_(functions),
      traits_(traits),
      group_(meet_other_processes(args)),
      device_(device_of(args, *group_)),
      train_batch_size_(args.per_device_train_batch_size),
      train_sampler_(sampler(train_size, args.per_device_train_batch_size)),
      train_size_(train_size),
      model_description_(std::make_unique<TorchModelDescription>(model_, [this] { return model_config(); })),
      checkpoints_(model_, args_, [this] { return model_config(); }, *group_) {
  const double started = seconds_now();
  args_.full_determinism ? enable_full_determinism(args_.seed) : set_seed(args_.seed);
  model_->to(device_);
  construction_time_ = seconds_now() - started;
}

TorchStepPolicy::~TorchStepPolicy() = default;

Sampler TorchStepPolicy::sampler(int64_t size, int64_t batch_size) const {
  return {size, batch_size, args_.dataloader_drop_last, shard()};
}

// --- Training ---

void TorchStepPolicy::set_train_batch_size(int64_t size) {
  train_batch_size_ = size;
  train_sampler_ = sampler(train_size_, size);
}

bool TorchStepPolicy::shrink_train_batch(const std::exception_ptr& exception) {
  if (!is_out_of_memory(exception)) return false;
  const auto smaller = static_cast<int64_t>(static_cast<double>(train_batch_size_) * 0.9);  // as accelerate
  if (smaller == 0) return false;
  warn(absl::StrCat("memory ran out with a training batch of ", train_batch_size_, "; the run begins anew with ",
                    smaller));
  set_train_batch_size(smaller);
  return true;
}

std::string TorchStepPolicy::checkpoint_to_resume(const std::string& resume_from_checkpoint) try {
  return checkpoints_.to_resume(resume_from_checkpoint);
} catch (const std::exception& error) {
  leave_with_error(error.what());  // the others wait for what rank 0 has chosen
  throw;
}

void TorchStepPolicy::begin_train(const TrainerState& state) {
  if (train_size_ == 0) throw std::invalid_argument("the training set is empty");
  if (args_.save_strategy != SaveStrategy::no) checkpoints_.prepare();
  if (!optimizer_) optimizer_ = create_optimizer(*model_, args_);  // a second run goes on with it, as in HuggingFace
  lr_scheduler_ = create_scheduler(*optimizer_, args_, state.max_steps);
  parameters_ = trainable_parameters(*model_);
  base_seed_ =
      args_.data_seed.value_or(static_cast<int64_t>(at::globalContext().defaultGenerator(at::kCPU).current_seed()));
  running_loss_ = {};
  total_loss_ = 0;
  initial_step_ = state.global_step;
  initial_tokens_ = state.num_input_tokens_seen;
  was_trained_ = true;
  if (args_.neftune_noise_alpha) activate_neftune(*model_, *args_.neftune_noise_alpha);
  train_started_ = seconds_now();
  zero_gradients();
  if (group_->is_distributed()) join_ranks();
}

// What has to be the same on all ranks from here on.
void TorchStepPolicy::join_ranks() {
  std::string sizes = absl::StrCat("train: ", train_size_, " examples");
  for (const PredictionSet& set : evaluation_sets_)
    absl::StrAppend(&sizes, "\n", set.prefix, ": ", set.size, " examples");
  check_same_on_all_ranks(*group_, "the datasets", sizes);
  base_seed_ = of_rank_0(*group_, base_seed_);
  reducer_ = std::make_unique<GradientReducer>(
      *group_, *model_, parameters_,
      GradientReducer::Settings{.find_unused_parameters = args_.ddp_find_unused_parameters.value_or(true),
                                .bucket_cap_mb = args_.ddp_bucket_cap_mb,
                                .broadcast_buffers = args_.ddp_broadcast_buffers.value_or(true),
                                .carries_signal = true});
}

void TorchStepPolicy::end_train() {
  reducer_.reset();
  if (args_.neftune_noise_alpha) deactivate_neftune(*model_);
}

void TorchStepPolicy::begin_epoch(int64_t epoch, int64_t passed_over) {
  draw_loader_seed();
  order_train_samples(epoch);
  begin_batches(train_sampler_, passed_over);
  norm_ = {};
  last_lr_.reset();
}

void TorchStepPolicy::order_train_samples(int64_t epoch) {
  using enum SamplingStrategy;
  if (args_.train_sampling_strategy == random) train_sampler_.shuffle(base_seed_, epoch);
  if (args_.train_sampling_strategy != group_by_length) return;
  const int64_t step = args_.per_device_train_batch_size * args_.gradient_accumulation_steps;
  train_sampler_.group_by_length(checked_lengths(train_lengths()), step, std::nullopt);
  if (!group_->is_distributed()) return;
  const at::Tensor order = at::tensor(train_sampler_.order(), at::kLong);  // drawn from generators that may differ
  group_->broadcast({order});
  const auto* first = order.const_data_ptr<int64_t>();
  train_sampler_.set_order({first, first + order.numel()});
}

void TorchStepPolicy::begin_step(int64_t substeps) {
  fetch_batches(substeps);
  num_items_in_batch_ = counts_items() ? over_ranks(labels_in_step()) : std::nullopt;
}

bool TorchStepPolicy::forward_backward(int64_t substeps, int64_t steps_since_log, bool is_last_substep,
                                       bool has_requests) {
  set_training(true);
  if (reducer_) reducer_->before_forward(is_last_substep);
  const at::Tensor loss = training_loss(substeps);
  bool some_have_requests = false;
  if (reducer_) {
    some_have_requests = reducer_->backward(loss, has_requests);
  } else {
    loss.backward();
  }
  running_loss_.add(loss, steps_since_log, args_.logging_nan_inf_filter);
  return some_have_requests;
}

Requests TorchStepPolicy::agreed(const Requests& requests) { return agreed_requests(*group_, requests); }

// The logits end here, not after backward().
at::Tensor TorchStepPolicy::training_loss(int64_t substeps) {
  const ForwardResult result = run_model([&] { return forward_selected(num_items_in_batch_); });
  const at::Tensor loss = loss_of(result, num_items_in_batch_);
  if (!loss.defined()) {
    throw std::invalid_argument(
        "the model returns no loss; set trainer.compute_loss_func, for example to downbeat::cross_entropy, or let "
        "forward() return a loss and logits");
  }
  return substeps > 1 && !is_scaled(result) ? loss / substeps : loss;
}

at::Tensor TorchStepPolicy::loss_of(const ForwardResult& result, std::optional<int64_t> num_items_in_batch) const {
  const at::Tensor loss = own_loss_of(result, num_items_in_batch);
  // Divided by the labels of all ranks, and the mean over them is still to come.
  const bool is_share = is_scaled(result) && args_.average_tokens_across_devices && group_->is_distributed();
  return is_share && loss.defined() ? loss * group_->world_size() : loss;
}

at::Tensor TorchStepPolicy::own_loss_of(const ForwardResult& result, std::optional<int64_t> num_items_in_batch) const {
  const ComputeLoss& compute_loss = functions_.compute_loss_func;
  const bool smooths = args_.label_smoothing_factor != 0 && (!compute_loss || compute_loss.is_cross_entropy());
  if (result.labels.defined() && smooths) {
    return label_smoothed_cross_entropy(
        result.logits, result.labels, args_.label_smoothing_factor,
        {.shifted = traits_.loss_shifts_labels, .num_items_in_batch = result.num_items_in_batch});
  }
  return compute_loss ? compute_loss(result.logits, result.labels, num_items_in_batch.value_or(0)) : result.loss;
}

ForwardResult TorchStepPolicy::run_model(const std::function<ForwardResult()>& run) const {
  if (!args_.bf16) return run();
  ForwardResult result;
  {
    const Autocast autocast(device_, true);
    result = run();
  }
  result.loss = as_float(result.loss);
  result.logits = as_float(result.logits);
  return result;
}

std::optional<int64_t> TorchStepPolicy::over_ranks(std::optional<int64_t> count) {
  if (!count || !args_.average_tokens_across_devices) return count;
  return sum_over_ranks(*group_, *count);
}

bool TorchStepPolicy::counts_items() const {
  return traits_.takes_num_items_in_batch || functions_.compute_loss_func.counts_items();
}

// A loss that is a sum over all labels of the step divided by their number needs no division by the substeps.
bool TorchStepPolicy::is_scaled(const ForwardResult& result) const {
  const ComputeLoss& compute_loss = functions_.compute_loss_func;
  return compute_loss ? compute_loss.counts_items() : result.num_items_in_batch.has_value();
}

void TorchStepPolicy::collect_gradients() {
  gradients_.tensors.clear();
  gradients_.names.resize(parameters_.size());  // and assigned to below: names of the step before leave their memory
  for (const auto& [name, parameter] : parameters_) {
    const at::Tensor& gradient = parameter.grad();
    if (!gradient.defined()) continue;
    gradients_.names[gradients_.tensors.size()] = name;
    gradients_.tensors.push_back(gradient);
  }
  gradients_.names.resize(gradients_.tensors.size());
}

void TorchStepPolicy::optimizer_step() {
  last_lr_ = lr_scheduler().last_lr();
  optimizer().step();
}

void TorchStepPolicy::zero_gradients() {
  optimizer().zero_grad();
  gradients_.tensors.clear();
}

int64_t TorchStepPolicy::input_tokens() {
  const auto tokens = tokens_in_selected(args_.include_num_input_tokens_seen == TokensSeen::non_padding);
  if (!tokens && !std::exchange(warned_of_tokens_, true)) {
    warn("include_num_input_tokens_seen finds no tokens to count: the batch has no tensor input_ids or inputs");
  }
  return sum_over_ranks(*group_, tokens.value_or(0));
}

void TorchStepPolicy::add_token_speed(Logs& logs, const TrainerState& state) const {
  downbeat::add_token_speed(logs, "train", seconds_now() - train_started_,
                            state.num_input_tokens_seen - initial_tokens_);
}

Logs TorchStepPolicy::train_logs(int64_t steps) {
  const double sum = mean_over_ranks(*group_, running_loss_.take());
  total_loss_ += sum;
  Logs logs{{"loss", sum / static_cast<double>(steps)}};
  if (norm_.total.defined()) logs["grad_norm"] = norm_.value();
  logs["learning_rate"] = last_lr_.value_or(lr_scheduler().last_lr());
  return logs;
}

Logs TorchStepPolicy::train_metrics(const TrainerState& state) {
  // What was not logged yet is of each rank's own, as in HuggingFace; all take that of rank 0.
  total_loss_ = of_rank_0(*group_, total_loss_ + running_loss_.take());
  const int64_t steps_done = state.global_step - initial_step_;
  const double steps = static_cast<double>(steps_done);
  const double planned_samples = args_.max_steps > 0
                                     ? static_cast<double>(args_.max_steps * train_batch_size_ *
                                                           args_.gradient_accumulation_steps * group_->world_size())
                                     : static_cast<double>(train_size_) * args_.num_train_epochs;
  Logs metrics;
  add_speed_metrics(metrics, "train", seconds_now() - train_started_,
                    planned_samples * steps / static_cast<double>(std::max<int64_t>(1, state.max_steps)), steps_done);
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
    lr_scheduler_ = create_scheduler(optimizer(), args_, std::max<int64_t>(1, args_.max_steps));
  }
  return *lr_scheduler_;
}

// --- Evaluation and prediction ---

void TorchStepPolicy::use_prediction_set(PredictionSet set) {
  given_set_ = std::move(set);
  if (!group_->is_distributed()) return;
  check_same_on_all_ranks(*group_, "the dataset", absl::StrCat(given_set_->size, " examples"));
}

void TorchStepPolicy::reset_prediction_set() { given_set_.reset(); }

std::string TorchStepPolicy::select_evaluation_set(int64_t number) {
  selected_set_ = static_cast<std::size_t>(number);
  const PredictionSet& set = selected_set();
  prediction_sampler_ = sampler(set.size, args_.per_device_eval_batch_size);
  if (args_.train_sampling_strategy == SamplingStrategy::group_by_length) {  // HuggingFace's rule for evaluation, too
    prediction_sampler_.group_by_length(
        checked_lengths(set.lengths()), args_.per_device_eval_batch_size,
        at::detail::createCPUGenerator(static_cast<uint64_t>(args_.data_seed.value_or(args_.seed))));
  }
  return set.prefix;
}

const PredictionSet& TorchStepPolicy::selected_set() const {
  return given_set_ ? *given_set_ : evaluation_sets_[selected_set_];
}

void TorchStepPolicy::begin_prediction() {
  if (!was_trained_ && !model_preparation_time_) model_preparation_time_ = construction_time_;
  prediction_started_ = seconds_now();
  evaluation_ = {};
  batch_metrics_ = {};
  if (args_.batch_eval_metrics && functions_.compute_metrics && !functions_.compute_metrics.takes_batches()) {
    throw std::invalid_argument(
        "batch_eval_metrics needs a compute_metrics that takes (const EvalPrediction&, bool compute_result)");
  }
  draw_loader_seed();
  selected_set().begin(prediction_sampler_);
}

bool TorchStepPolicy::prediction_waits_for_others() const {
  const bool counts_over_ranks = counts_items() && args_.average_tokens_across_devices;
  return group_->is_distributed() && (args_.batch_eval_metrics || counts_over_ranks);
}

bool TorchStepPolicy::gathers_logits() const {
  return !args_.prediction_loss_only && (functions_.compute_metrics || selected_set().gathers_logits);
}

void TorchStepPolicy::prediction_step(int64_t batch) {
  const c10::InferenceMode inference(functions_.inference_mode);
  const c10::NoGradGuard no_grad;
  set_training(false);
  ForwardResult result = run_model([&] { return selected_set().forward_next(); });
  const bool counts = functions_.compute_loss_func.counts_items();
  const auto num_items = counts ? over_ranks(count_labels(result.labels, traits_.counts_shifted())) : std::nullopt;
  // Without labels, as in predict(), a function of the labels has nothing to say; training calls it all the same.
  const bool has_loss = result.labels.defined() || !functions_.compute_loss_func;
  const at::Tensor loss = has_loss ? loss_of(result, num_items) : at::Tensor();
  if (!gathers_logits()) result.logits = result.labels = result.inputs = at::Tensor();
  if (result.logits.defined() && functions_.preprocess_logits_for_metrics) {
    result.logits = functions_.preprocess_logits_for_metrics(result.logits, result.labels);
  }
  if (!includes("inputs")) result.inputs = at::Tensor();
  if (args_.batch_eval_metrics) compute_batch_metrics(loss, result, batch);
  if (args_.batch_eval_metrics && !selected_set().gathers_logits) {
    result.logits = result.labels = result.inputs = at::Tensor();
  }
  evaluation_.add({.loss = loss, .logits = result.logits, .labels = result.labels, .inputs = result.inputs},
                  static_cast<int64_t>(prediction_sampler_.batch(batch).size()));
  if (args_.eval_accumulation_steps && (batch + 1) % *args_.eval_accumulation_steps == 0) evaluation_.move_to_cpu();
}

bool TorchStepPolicy::includes(const char* what) const {
  return std::count(args_.include_for_metrics.begin(), args_.include_for_metrics.end(), what) > 0;
}

void TorchStepPolicy::compute_batch_metrics(const at::Tensor& loss, const ForwardResult& result, int64_t batch) {
  if (!functions_.compute_metrics || !result.logits.defined() || !result.labels.defined()) return;
  Evaluation of_batch;
  of_batch.add({.loss = includes("loss") ? loss : at::Tensor(),
                .logits = result.logits,
                .labels = result.labels,
                .inputs = result.inputs},
               result.labels.size(0));
  const int64_t batch_size = args_.per_device_eval_batch_size;
  of_batch.gather(*group_, batch_size,
                  kept_of_gathered(batch, prediction_sampler_.size(), batch_size, group_->world_size()));
  const bool is_last = batch + 1 == prediction_batches();
  batch_metrics_ = functions_.compute_metrics(of_batch.prediction(), /*compute_result=*/is_last);
}

Metrics TorchStepPolicy::prediction_metrics(const std::string& prefix) {
  evaluation_.gather(*group_, args_.per_device_eval_batch_size, prediction_sampler_.size());
  Metrics computed = std::move(batch_metrics_);
  if (functions_.compute_metrics && gathers_logits() && !args_.batch_eval_metrics) {
    EvalPrediction prediction = evaluation_.prediction();
    if (!includes("loss")) prediction.losses = at::Tensor();
    if (prediction.predictions.defined() && prediction.label_ids.defined()) {
      computed = functions_.compute_metrics(prediction);
    }
  }
  Metrics metrics = prefixed_metrics(computed, evaluation_.mean_loss(args_.logging_nan_inf_filter), prefix);
  if (model_preparation_time_) metrics[prefix + "_model_preparation_time"] = *model_preparation_time_;
  // As HuggingFace counts: the whole set, also where dataloader_drop_last leaves some of it out.
  const int64_t samples = prediction_sampler_.size();
  const int64_t steps = divided_up(samples, args_.per_device_eval_batch_size * group_->world_size());
  add_speed_metrics(metrics, prefix, seconds_now() - prediction_started_, static_cast<double>(samples), steps);
  return metrics;
}

EvalPrediction TorchStepPolicy::prediction() const { return evaluation_.prediction(); }

}  // namespace downbeat
