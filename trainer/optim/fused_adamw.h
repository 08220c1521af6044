// FusedAdamW: torch.optim.AdamW(fused=True), bit for bit. torch::optim::AdamW is slower and equals neither of Python's
// variants in the last bits.
#pragma once

#include <vector>

#include "trainer/optim/optimizer.h"

namespace downbeat {

class FusedAdamW : public Optimizer {
 public:
  struct Options {
    double beta1 = 0.9;
    double beta2 = 0.999;
    double eps = 1e-8;
  };
  FusedAdamW(std::vector<ParameterGroup> groups, Options options);

  void step() override;

 private:
  struct State {  // parallel to the parameters of a group; undefined until the parameter's first gradient
    std::vector<at::Tensor> exp_avg, exp_avg_sq, steps;
  };
  void step(ParameterGroup& group, State& state);

  Options options_;
  std::vector<State> states_;
};

}  // namespace downbeat
