// RunningLoss: the sum of the losses since the last log line, a float32 as in HuggingFace, kept on the device of the
// model so that adding to it never waits.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace downbeat {

class RunningLoss {
 public:
  // With `nan_inf_filter` a loss that is NaN or infinite counts as the mean so far: sum / (1 + steps), where `steps` is
  // the number of steps done since the last log line. No gradient comes of it.
  void add(const at::Tensor& loss, int64_t steps, bool nan_inf_filter);

  // The sum, which starts again from sum - sum: zero, or NaN once it is NaN. Waits for the device.
  double take();

 private:
  void add_on_device(const at::Tensor& loss, int64_t steps, bool nan_inf_filter);

  float sum_ = 0;          // for a loss on the CPU, where reading it costs nothing
  at::Tensor device_sum_;  // otherwise
};

}  // namespace downbeat
