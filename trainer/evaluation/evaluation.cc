#include "trainer/evaluation/evaluation.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "trainer/evaluation/numpy_mean.h"

namespace downbeat {
namespace {

at::Tensor joined(const std::vector<at::Tensor>& batches) {
  return batches.empty() ? at::Tensor() : at::cat(batches).cpu();
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

void Evaluation::add(const at::Tensor& loss, const at::Tensor& logits, const at::Tensor& labels, int64_t batch_size) {
  samples_ += batch_size;
  if (loss.defined()) {
    losses_.push_back(loss.detach().to(at::kFloat));
    batch_sizes_.push_back(batch_size);
  }
  if (logits.defined()) logits_.push_back(logits.detach());
  if (labels.defined()) labels_.push_back(labels);
}

EvalPrediction Evaluation::prediction() const { return {joined(logits_), joined(labels_)}; }

std::optional<double> Evaluation::mean_loss(bool nan_inf_filter) const {
  if (losses_.empty()) return std::nullopt;
  const at::Tensor of_batches = at::stack(losses_).cpu();
  std::vector<float> of_samples;
  of_samples.reserve(static_cast<std::size_t>(samples_));
  for (std::size_t i = 0; i < batch_sizes_.size(); ++i) {
    of_samples.insert(of_samples.end(), static_cast<std::size_t>(batch_sizes_[i]),
                      of_batches.const_data_ptr<float>()[i]);
  }
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

}  // namespace downbeat
