#include "trainer/loss/compute_loss.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/masked_fill.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/slice.h>
#include <ATen/ops/sum.h>

namespace downbeat {

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& labels) {
  return at::cross_entropy_loss(logits, labels);
}

at::Tensor label_smoothed_cross_entropy(at::Tensor logits, at::Tensor labels, double epsilon,
                                        const LabelSmoothing& options) {
  if (options.shifted) {
    logits = logits.slice(/*dim=*/-2, /*start=*/0, /*end=*/-1).contiguous();
    labels = labels.slice(/*dim=*/-1, /*start=*/1).contiguous();
  }
  const at::Tensor minus_log_probs = -at::log_softmax(logits, -1);
  const at::Tensor targets = labels.dim() == logits.dim() - 1 ? labels.unsqueeze(-1) : labels;
  const at::Tensor is_padding = targets.eq(-100);
  const at::Tensor nll = minus_log_probs.gather(-1, at::clamp_min(targets, 0)).masked_fill(is_padding, 0.0);
  const at::Tensor smoothed = minus_log_probs.sum(-1, /*keepdim=*/true, at::kFloat).masked_fill(is_padding, 0.0);
  const int64_t classes = minus_log_probs.size(-1);
  const at::Tensor active = options.num_items_in_batch ? at::scalar_tensor(*options.num_items_in_batch, at::kLong)
                                                       : nll.numel() - is_padding.sum();
  return (1 - epsilon) * (nll.sum() / active) + epsilon * (smoothed.sum() / (active * classes));
}

}  // namespace downbeat
