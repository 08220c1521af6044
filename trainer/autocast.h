// Autocast: matrix products in bfloat16 while it lives, as torch.autocast; the weights stay what they are.
//
//   {
//     const Autocast autocast(device, args.bf16);
//     logits = model->forward(inputs);
//   }
//   logits = as_float(logits);   // what leaves the model is float32 again, as accelerate does for HuggingFace
#pragma once

#include <ATen/core/Tensor.h>

namespace downbeat {

class Autocast {
 public:
  Autocast(at::Device device, bool is_on);  // nothing when off
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  at::DeviceType type_;
  bool is_on_;
  bool was_on_ = false;
  at::ScalarType previous_type_ = at::kFloat;
};

// bfloat16 and float16 as float32, anything else (undefined too) as it is.
at::Tensor as_float(const at::Tensor& tensor);

}  // namespace downbeat
