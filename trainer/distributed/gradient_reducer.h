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

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "trainer/distributed/process_group.h"
#include "trainer/optim/gradients.h"

namespace c10d {
class Reducer;
}
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
    // Numbers that ride in the last bucket of gradients, for what all ranks have to agree on at each step ("stop")
    // without a collective of its own. With three ranks or more they move the borders at which Gloo cuts that bucket,
    // so that gradients differ from Python's in the last bits; with two or none they are the same.
    int64_t signals = 0;
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
  // `signals`, as many as the settings announce, become their mean over all ranks where gradients are reduced, and stay
  // as they are otherwise.
  void backward(const at::Tensor& loss, std::span<float> signals = {});

 private:
  void check_agreement(const torch::nn::Module& model);
  void make_reducer();
  void broadcast_buffers();
  // The loss with signals hanging on it: the same number and the same gradients.
  at::Tensor with_signals(const at::Tensor& loss, std::span<const float> signals);
  void take_signals(std::span<float> signals);
  void check_all_were_used();
  [[noreturn]] void refuse_unused();

  ProcessGroup& group_;
  NamedParameters parameters_;
  Settings settings_;
  std::vector<at::Tensor> buffers_;
  // Signals are the gradient of a parameter of zeros, which is multiplied by them and added to the loss. It is used
  // ahead of the model, so that this gradient comes last.
  at::Tensor signal_carrier_, signal_values_, signal_term_;
  bool reduces_ = true;                     // at the substep at hand
  bool buffers_may_differ_ = true;          // something was reduced since they were broadcast
  std::shared_ptr<c10d::Reducer> reducer_;  // its hooks keep weak pointers to it
};

}  // namespace downbeat
