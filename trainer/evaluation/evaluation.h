// What an evaluation or prediction gathers, batch by batch, and the metrics made of it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "callbacks/vocabulary/logs.h"
#include "trainer/distributed/process_group.h"

namespace downbeat {

// What compute_metrics receives: all logits and labels of the set, in order, on the CPU. Where the batches differ in
// their second dimension (sequences of different lengths) the shorter ones are filled up with -100.
struct EvalPrediction {
  at::Tensor predictions;  // [n, ...]
  at::Tensor label_ids;    // [n, ...]
  at::Tensor inputs = {};  // [n, ...], where include_for_metrics names inputs
  at::Tensor losses = {};  // [n], of each sample that of its batch, where it names loss
};

// A function of (prediction), or of (prediction, compute_result) for batch_eval_metrics: that is called for each batch,
// and what it returns counts when compute_result is true, at the last one.
class ComputeMetrics {
 public:
  ComputeMetrics() = default;        // none
  ComputeMetrics(std::nullptr_t) {}  // the same

  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, ComputeMetrics> && !std::is_null_pointer_v<F>)
  ComputeMetrics(F function) {
    constexpr bool is_whole = std::is_invocable_r_v<Metrics, F, const EvalPrediction&>;
    takes_batches_ = std::is_invocable_r_v<Metrics, F, const EvalPrediction&, bool>;
    static_assert(is_whole || std::is_invocable_r_v<Metrics, F, const EvalPrediction&, bool>,
                  "downbeat: compute_metrics takes (const EvalPrediction&) or (const EvalPrediction&, bool "
                  "compute_result) and returns Metrics");
    if constexpr (std::is_invocable_r_v<Metrics, F, const EvalPrediction&, bool>) {
      call_ = std::move(function);
    } else if constexpr (is_whole) {
      call_ = [function = std::move(function)](const EvalPrediction& prediction, bool) { return function(prediction); };
    }
  }

  explicit operator bool() const { return static_cast<bool>(call_); }
  Metrics operator()(const EvalPrediction& prediction, bool compute_result = true) const {
    return call_(prediction, compute_result);
  }
  bool takes_batches() const { return takes_batches_; }

 private:
  std::function<Metrics(const EvalPrediction&, bool)> call_;
  bool takes_batches_ = false;
};

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
  // `loss` is the mean over the batch. Each may be undefined. Nothing here waits for the device.
  struct OfBatch {
    at::Tensor loss = {}, logits = {}, labels = {}, inputs = {};
  };
  void add(const OfBatch& batch, int64_t batch_size);
  void move_to_cpu();  // what is there so far

  // Puts together what all ranks have of the same set, in its order, without what was filled in (shard.h): the first
  // `samples` count. All batches have `batch_size` of them. A collective; nothing where a process is alone.
  void gather(ProcessGroup& group, int64_t batch_size, int64_t samples);

  EvalPrediction prediction() const;

  // The mean loss over the samples, as HuggingFace computes it: each batch's mean once per sample, summed by numpy in
  // float32. With `nan_inf_filter` what is not finite is left out, unless nothing is finite. Absent without losses.
  std::optional<double> mean_loss(bool nan_inf_filter) const;

 private:
  std::vector<float> losses_of_samples() const;
  void gather_losses(ProcessGroup& group, int64_t batch_size, int64_t samples);

  std::vector<at::Tensor> losses_;
  std::vector<int64_t> batch_sizes_;
  std::vector<at::Tensor> logits_;
  std::vector<at::Tensor> labels_;
  std::vector<at::Tensor> inputs_;
};

// HuggingFace's order: names that have the prefix already, PREFIX_loss, then the others with the prefix put before.
Metrics prefixed_metrics(const Metrics& computed, std::optional<double> loss, const std::string& prefix);

// PREFIX_runtime, PREFIX_samples_per_second and PREFIX_steps_per_second, rounded as HuggingFace does.
void add_speed_metrics(Metrics& metrics, const std::string& prefix, double seconds, double samples, int64_t steps);

// PREFIX_runtime and PREFIX_tokens_per_second.
void add_token_speed(Metrics& metrics, const std::string& prefix, double seconds, int64_t tokens);

}  // namespace downbeat
