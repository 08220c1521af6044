#include "trainer/loss/running_loss.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <cmath>

namespace downbeat {

void RunningLoss::add(const at::Tensor& loss, int64_t steps, bool nan_inf_filter) {
  if (loss.is_cpu()) {
    const double value = loss.item<double>();
    if (nan_inf_filter && !std::isfinite(value)) {
      sum_ += sum_ / static_cast<float>(1 + steps);
    } else {
      sum_ = loss.scalar_type() == at::kDouble ? static_cast<float>(sum_ + value) : sum_ + static_cast<float>(value);
    }
    return;
  }
  add_on_device(loss.detach(), steps, nan_inf_filter);
}

void RunningLoss::add_on_device(const at::Tensor& loss, int64_t steps, bool nan_inf_filter) {
  if (!device_sum_.defined()) device_sum_ = at::zeros({}, loss.options().dtype(at::kFloat).requires_grad(false));
  device_sum_.add_(nan_inf_filter ? at::where(at::isfinite(loss), loss, device_sum_ / (1 + steps)) : loss);
}

double RunningLoss::take() {
  double sum = sum_;
  sum_ -= sum_;
  if (device_sum_.defined()) {
    sum += device_sum_.item<double>();
    device_sum_.sub_(device_sum_.clone());
  }
  return sum;
}

}  // namespace downbeat
