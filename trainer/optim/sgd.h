// SGD: torch.optim.SGD bit for bit.
#pragma once

#include <vector>

#include "trainer/optim/optimizer.h"

namespace downbeat {

class SGD : public Optimizer {
 public:
  struct Settings {
    double momentum = 0;
    double dampening = 0;
    bool nesterov = false;
  };
  SGD(std::vector<ParameterGroup> groups, const Settings& settings);

  void step() override;

 private:
  void list_options(std::size_t group, Options& options) override;

  std::vector<Settings> settings_;  // of each group
};

}  // namespace downbeat
