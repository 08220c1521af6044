#include "trainer/evaluation/evaluation.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/slice.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "trainer/evaluation/numpy_mean.h"

namespace downbeat {
namespace {

constexpr int kPadding = -100;  // HuggingFace's, which its metrics leave out

// Filled up at the end of the second dimension.
at::Tensor with_width(const at::Tensor& batch, int64_t width) {
  if (batch.dim() < 2 || batch.size(1) == width) return batch;
  std::vector<int64_t> shape = batch.sizes().vec();
  shape[1] = width;
  at::Tensor filled = at::full(shape, kPadding, batch.options());
  filled.slice(/*dim=*/1, /*start=*/0, /*end=*/batch.size(1)).copy_(batch);
  return filled;
}

int64_t width_of(const std::vector<at::Tensor>& batches) {
  int64_t width = 0;
  for (const at::Tensor& batch : batches) width = std::max(width, batch.dim() < 2 ? 0 : batch.size(1));
  return width;
}

at::Tensor joined(const std::vector<at::Tensor>& batches, int64_t width) {
  if (batches.empty()) return {};
  std::vector<at::Tensor> equally_wide;
  for (const at::Tensor& batch : batches) equally_wide.push_back(with_width(batch, width));
  return at::cat(equally_wide).cpu();
}
at::Tensor joined(const std::vector<at::Tensor>& batches) { return joined(batches, width_of(batches)); }

// What all ranks have of their shards, [rank, batch, row, ...], in the order of the set: batch after batch.
at::Tensor in_order_of_set(const at::Tensor& all, int64_t ranks, int64_t batches) {
  std::vector<int64_t> shape = {ranks, batches, all.size(0) / (ranks * batches)};
  shape.insert(shape.end(), all.sizes().begin() + 1, all.sizes().end());
  return all.view(shape).transpose(0, 1).flatten(0, 2);
}

std::vector<at::Tensor> gathered(ProcessGroup& group, const std::vector<at::Tensor>& batches, int64_t batch_size,
                                 int64_t samples) {
  if (batches.empty()) return {};
  const auto number = static_cast<int64_t>(batches.size());
  const at::Tensor width = at::full({1}, width_of(batches), at::kLong);
  group.all_reduce(width, Reduction::max);
  const at::Tensor mine = joined(batches, width.item<int64_t>());
  const int64_t rows = batches.front().size(0);
  if (rows % batch_size != 0 || mine.size(0) != rows * number) {
    throw std::invalid_argument(
        absl::StrCat("what an evaluation on several processes gathers has for each example the "
                     "same number of rows; the batches of ",
                     batch_size, " have ", mine.size(0), " rows in ", number));
  }
  const at::Tensor all = in_order_of_set(group.all_gather(mine), group.world_size(), number);
  return {all.slice(0, 0, samples * (rows / batch_size))};
}

// By way of the decimal digits, as Python: value * 1000 would be rounded itself and make ties where there are none.
double rounded(double value, int digits) {
  std::array<char, 400> text;  // the longest double has 309 digits before the point
  const auto written = std::to_chars(text.begin(), text.end(), value, std::chars_format::fixed, digits);
  std::from_chars(text.begin(), written.ptr, value);
  return value;
}

}  // namespace

Metrics accuracy(const EvalPrediction& prediction) {
  const at::Tensor is_right = prediction.predictions.argmax(-1).eq(prediction.label_ids);
  return {{"accuracy", is_right.to(at::kDouble).mean().item<double>()}};
}

void Evaluation::add(const OfBatch& batch, int64_t batch_size) {
  if (batch.loss.defined()) {
    losses_.push_back(batch.loss.detach().to(at::kFloat));
    batch_sizes_.push_back(batch_size);
  }
  if (batch.logits.defined()) logits_.push_back(batch.logits.detach());
  if (batch.labels.defined()) labels_.push_back(batch.labels);
  if (batch.inputs.defined()) inputs_.push_back(batch.inputs);
}

void Evaluation::move_to_cpu() {
  for (auto* tensors : {&losses_, &logits_, &labels_, &inputs_}) {
    for (at::Tensor& tensor : *tensors) tensor = tensor.cpu();
  }
}

void Evaluation::gather(ProcessGroup& group, int64_t batch_size, int64_t samples) {
  if (!group.is_distributed()) return;
  gather_losses(group, batch_size, samples);
  for (auto* tensors : {&logits_, &labels_, &inputs_}) *tensors = gathered(group, *tensors, batch_size, samples);
}

void Evaluation::gather_losses(ProcessGroup& group, int64_t batch_size, int64_t samples) {
  if (losses_.empty()) return;
  const auto batches = static_cast<int64_t>(losses_.size());
  const at::Tensor all = in_order_of_set(group.all_gather(at::stack(losses_).cpu()), group.world_size(), batches);
  losses_ = all.unbind();
  batch_sizes_.clear();
  for (int64_t first = 0; first < all.numel() * batch_size; first += batch_size) {
    batch_sizes_.push_back(std::clamp<int64_t>(samples - first, 0, batch_size));
  }
}

EvalPrediction Evaluation::prediction() const {
  const std::vector<float> losses = losses_of_samples();
  return {.predictions = joined(logits_),
          .label_ids = joined(labels_),
          .inputs = joined(inputs_),
          .losses = losses.empty() ? at::Tensor() : at::tensor(losses)};
}

std::vector<float> Evaluation::losses_of_samples() const {
  std::vector<float> of_samples;
  if (losses_.empty()) return of_samples;
  const at::Tensor of_batches = at::stack(losses_).cpu();
  for (std::size_t i = 0; i < batch_sizes_.size(); ++i) {
    of_samples.insert(of_samples.end(), static_cast<std::size_t>(batch_sizes_[i]),
                      of_batches.const_data_ptr<float>()[i]);
  }
  return of_samples;
}

std::optional<double> Evaluation::mean_loss(bool nan_inf_filter) const {
  std::vector<float> of_samples = losses_of_samples();
  if (of_samples.empty()) return std::nullopt;
  const auto is_finite = [](float loss) { return std::isfinite(loss); };
  if (nan_inf_filter && std::any_of(of_samples.begin(), of_samples.end(), is_finite)) {
    std::erase_if(of_samples, [&](float loss) { return !is_finite(loss); });
  }
  return numpy_mean(of_samples);
}

Metrics prefixed_metrics(const Metrics& computed, std::optional<double> loss, const std::string& prefix) {
  Metrics metrics;
  const auto has_prefix = [&](const std::string& name) { return name.starts_with(prefix + "_"); };
  for (const auto& [name, value] : computed) {
    if (has_prefix(name)) metrics[name] = value;
  }
  if (loss) metrics[prefix + "_loss"] = *loss;
  for (const auto& [name, value] : computed) {
    if (!has_prefix(name)) metrics[prefix + "_" + name] = value;
  }
  return metrics;
}

void add_speed_metrics(Metrics& metrics, const std::string& prefix, double seconds, double samples, int64_t steps) {
  metrics[prefix + "_runtime"] = rounded(seconds, 4);
  if (seconds <= 0) return;
  metrics[prefix + "_samples_per_second"] = rounded(samples / seconds, 3);
  metrics[prefix + "_steps_per_second"] = rounded(static_cast<double>(steps) / seconds, 3);
}

void add_token_speed(Metrics& metrics, const std::string& prefix, double seconds, int64_t tokens) {
  metrics[prefix + "_runtime"] = rounded(seconds, 4);
  if (seconds > 0) metrics[prefix + "_tokens_per_second"] = rounded(static_cast<double>(tokens) / seconds, 3);
}

}  // namespace downbeat
