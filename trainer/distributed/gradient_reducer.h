// GradientReducer: averages the gradients over all ranks while backward still runs: c10d::Reducer, the engine of
// Python's DistributedDataParallel, with its buckets, so that gradients equal Python's to the last bit.
//
//   downbeat::GradientReducer reducer(group, *model, parameters, {});
//   for each substep:
//     reducer.before_forward(is_last_substep);
//     at::Tensor loss = ...;
//     reducer.backward(loss);        // in place of loss.backward()
//   // .grad of every parameter is now the mean over all ranks; step the optimizer, set the gradients to none
//
// Parameters and buffers become those of rank 0 when it is made. The parameters must keep their places in memory and
// their requires_grad. A process that is alone has no use for it: make none.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/intrusive_ptr.h>

#include <memory>
#include <optional>
#include <vector>

#include "trainer/distributed/process_group.h"
#include "trainer/optim/gradients.h"

namespace c10d {
class Reducer;
class Work;
}  // namespace c10d
namespace torch::nn {
class Module;
}

namespace downbeat {

class GradientReducer {
 public:
  // DistributedDataParallel's, with its defaults.
  struct Settings {
    // Parameters may have no part in the loss, on some ranks or on all; costs a walk through the graph each step, and
    // buckets are not put in the order in which gradients come.
    bool find_unused_parameters = false;
    // MiB in a bucket, at least 1. Not given: 25, and 1 for the first, which is sent when backward has hardly begun.
    std::optional<int64_t> bucket_cap_mb;
    bool broadcast_buffers = true;         // those of rank 0, before a forward that follows a reduction
    bool gradient_as_bucket_view = false;  // saves the memory of the gradients; they must not be replaced then
    // backward() tells every rank whether one of them gave a signal ("stop"). A number more in the last bucket of
    // gradients carries it, without a collective of its own. Only where that number would move the borders at which
    // Gloo cuts the bucket, hence the order of sums and the last bits (three ranks or more, for one length in about
    // 2 * ranks), it is reduced beside the gradients.
    bool carries_signal = false;
  };

  // `parameters`: those that are trained, each once, in the order of the model. Throws std::runtime_error, on every
  // rank, that names the first parameter or buffer whose name, type, shape or trainability is not that of rank 0.
  GradientReducer(ProcessGroup& group, const torch::nn::Module& model, NamedParameters parameters,
                  const Settings& settings);
  ~GradientReducer();
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  // Before each forward of a training. Only the gradients of a step's last substep are reduced; until then they add up
  // on each rank (Python's no_sync).
  void before_forward(bool is_last_substep);

  // loss.backward(), reducing where before_forward said so. Throws std::runtime_error as ProcessGroup where a rank is
  // lost; std::invalid_argument where a parameter had no part in the loss without find_unused_parameters.
  // True, on every rank, where gradients were reduced and some rank gave a `signal`.
  bool backward(const at::Tensor& loss, bool signal = false);

 private:
  void check_agreement(const torch::nn::Module& model);
  void make_reducer(std::vector<std::vector<std::size_t>> members);
  void make_signal_carrier(const std::vector<std::size_t>& last_bucket);
  void keep_sums_in_rebuilt_buckets();
  void broadcast_buffers();
  void prepare_for_backward(const at::Tensor& root);
  // The loss with the signal hanging on it: the same number and the same gradients.
  at::Tensor with_signal(const at::Tensor& loss, bool signal);
  c10::intrusive_ptr<c10d::Work> reduce_signal_beside();  // null where it rides
  bool take_signal();
  void check_all_were_used();
  [[noreturn]] void refuse_unused();

  ProcessGroup& group_;
  NamedParameters parameters_;
  Settings settings_;
  std::vector<at::Tensor> buffers_;
  // A signal is the gradient of a parameter, 0, which is multiplied by it and added to the loss. It is used ahead of
  // the model, so that this gradient comes last.
  at::Tensor signal_carrier_, signal_value_, signal_term_;
  bool signal_rides_ = false;               // with the gradients
  bool was_rebuilt_ = false;                // in this backward: its buckets
  bool reduces_ = true;                     // at the substep at hand
  bool buffers_may_differ_ = true;          // something was reduced since they were broadcast
  std::shared_ptr<c10d::Reducer> reducer_;  // its hooks keep weak pointers to it
};

}  // namespace downbeat
