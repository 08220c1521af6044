#include "trainer/autocast.h"

#include <ATen/autocast_mode.h>

namespace downbeat {

Autocast::Autocast(at::Device device, bool is_on) : type_(device.type()), is_on_(is_on) {
  if (!is_on_) return;
  was_on_ = at::autocast::is_autocast_enabled(type_);
  previous_type_ = at::autocast::get_autocast_dtype(type_);
  at::autocast::set_autocast_enabled(type_, true);
  at::autocast::set_autocast_dtype(type_, at::kBFloat16);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (!is_on_) return;
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();  // of the weights' copies
  at::autocast::set_autocast_enabled(type_, was_on_);
  at::autocast::set_autocast_dtype(type_, previous_type_);
}

at::Tensor as_float(const at::Tensor& tensor) {
  const bool is_short =
      tensor.defined() && (tensor.scalar_type() == at::kBFloat16 || tensor.scalar_type() == at::kHalf);
  return is_short ? tensor.to(at::kFloat) : tensor;
}

}  // namespace downbeat
