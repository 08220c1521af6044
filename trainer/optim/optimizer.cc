#include "trainer/optim/optimizer.h"

namespace downbeat {

void Optimizer::zero_grad() {
  for (ParameterGroup& group : groups_) {
    for (at::Tensor& parameter : group.parameters) parameter.mutable_grad().reset();
  }
}

}  // namespace downbeat
