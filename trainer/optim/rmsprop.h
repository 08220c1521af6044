// RMSprop: torch.optim.RMSprop bit for bit; torch::optim::RMSprop differs where it is centered and has momentum.
#pragma once

#include <vector>

#include "trainer/optim/optimizer.h"

namespace downbeat {

class RMSprop : public Optimizer {
 public:
  struct Settings {
    double momentum = 0;
    double alpha = 0.99;
    double eps = 1e-8;
    bool centered = false;
  };
  RMSprop(std::vector<ParameterGroup> groups, const Settings& settings);

  void step() override;

 private:
  void list_options(std::size_t group, Options& options) override;
  void begin_state(std::size_t group, std::size_t parameter);

  std::vector<Settings> settings_;  // of each group
};

}  // namespace downbeat
