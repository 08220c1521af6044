// The loss: of the user's (ComputeLoss), or the model's own.
//
//   trainer.compute_loss_func = downbeat::cross_entropy;
//   trainer.compute_loss_func = [](const at::Tensor& logits, const at::Tensor& labels) { return at::mse_loss(logits,
//   labels); };
//
// A function of (logits, labels) is a mean over the batch and is divided by the substeps of a step. One of (logits,
// labels, num_items_in_batch), where the last is the number of labels other than -100 in the whole step, is not
// divided, as HuggingFace's compute_loss_func.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace downbeat {

// The mean cross entropy of logits [batch, classes, ...] and labels [batch, ...] (int64; -100 is ignored).
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& labels);

// Cross entropy with a share `epsilon` of the labels spread over all classes, as HuggingFace's LabelSmoother: the mean
// over the labels that are not -100, or the sum divided by `num_items_in_batch`. `shifted`: the logits of a position
// are those of the next position's label.
struct LabelSmoothing {
  bool shifted = false;
  std::optional<int64_t> num_items_in_batch = {};
};
at::Tensor label_smoothed_cross_entropy(at::Tensor logits, at::Tensor labels, double epsilon,
                                        const LabelSmoothing& options = {});

class ComputeLoss {
 public:
  ComputeLoss() = default;  // none: the model returns its loss

  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, ComputeLoss>)
  ComputeLoss(F function) {
    using T = const at::Tensor&;
    constexpr bool is_mean = std::is_invocable_r_v<at::Tensor, F, T, T>;
    constexpr bool counts = std::is_invocable_r_v<at::Tensor, F, T, T, int64_t>;
    static_assert(is_mean || counts,
                  "downbeat: compute_loss_func takes (logits, labels) or (logits, labels, num_items_in_batch) and "
                  "returns the loss");
    if constexpr (std::is_convertible_v<F, at::Tensor (*)(T, T)>) {
      is_cross_entropy_ = static_cast<at::Tensor (*)(T, T)>(function) == &cross_entropy;
    }
    if constexpr (is_mean) {
      call_ = [function = std::move(function)](T logits, T labels, int64_t) { return function(logits, labels); };
    } else if constexpr (counts) {
      call_ = std::move(function);
    }
    counts_items_ = !is_mean;
  }

  explicit operator bool() const { return static_cast<bool>(call_); }
  at::Tensor operator()(const at::Tensor& logits, const at::Tensor& labels, int64_t num_items_in_batch) const {
    return call_(logits, labels, num_items_in_batch);
  }
  bool counts_items() const { return counts_items_; }
  bool is_cross_entropy() const { return is_cross_entropy_; }  // then label smoothing knows what to smooth

 private:
  std::function<at::Tensor(const at::Tensor&, const at::Tensor&, int64_t)> call_;
  bool counts_items_ = false;
  bool is_cross_entropy_ = false;
};

}  // namespace downbeat
