#include "trainer/data/batch.h"

namespace downbeat {
namespace {

at::Tensor moved(const at::Tensor& tensor, at::Device device) {
  return tensor.defined() && tensor.device() != device ? tensor.to(tensor.options().device(device)) : tensor;
}

}  // namespace

Batch Batch::to(at::Device device) const { return {moved(inputs, device), moved(labels, device)}; }

}  // namespace downbeat
