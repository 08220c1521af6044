// What an evaluation or prediction gathers, batch by batch, and the metrics made of it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "callbacks/vocabulary/logs.h"

namespace downbeat {

// What compute_metrics receives: all logits and labels of the set, in order, on the CPU.
struct EvalPrediction {
  at::Tensor predictions;  // [n, ...]
  at::Tensor label_ids;    // [n, ...]
};
using ComputeMetrics = std::function<Metrics(const EvalPrediction&)>;

// What is kept of the logits for compute_metrics, e.g. their argmax: (logits, labels) of one batch.
using PreprocessLogitsForMetrics = std::function<at::Tensor(const at::Tensor& logits, const at::Tensor& labels)>;

// {"accuracy": share of rows whose largest logit is at the label}
Metrics accuracy(const EvalPrediction& prediction);

struct PredictionOutput {
  at::Tensor predictions;  // undefined with prediction_loss_only
  at::Tensor label_ids;
  Metrics metrics;
};

class Evaluation {
 public:
  // `loss` is the mean over the batch and may be undefined, as may `logits` and `labels`. Nothing here waits for the
  // device.
  void add(const at::Tensor& loss, const at::Tensor& logits, const at::Tensor& labels, int64_t batch_size);

  int64_t samples() const { return samples_; }
  EvalPrediction prediction() const;

  // The mean loss over the samples, as HuggingFace computes it: each batch's mean once per sample, summed by numpy in
  // float32. With `nan_inf_filter` what is not finite is left out, unless nothing is finite. Absent without losses.
  std::optional<double> mean_loss(bool nan_inf_filter) const;

 private:
  std::vector<at::Tensor> losses_;
  std::vector<int64_t> batch_sizes_;
  std::vector<at::Tensor> logits_;
  std::vector<at::Tensor> labels_;
  int64_t samples_ = 0;
};

// HuggingFace's order: names that have the prefix already, PREFIX_loss, then the others with the prefix put before.
Metrics prefixed_metrics(const Metrics& computed, std::optional<double> loss, const std::string& prefix);

// PREFIX_runtime, PREFIX_samples_per_second and PREFIX_steps_per_second, rounded as HuggingFace does.
void add_speed_metrics(Metrics& metrics, const std::string& prefix, double seconds, double samples, int64_t steps);

}  // namespace downbeat
