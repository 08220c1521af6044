// Adagrad: torch.optim.Adagrad bit for bit.
#pragma once

#include <vector>

#include "trainer/optim/optimizer.h"

namespace downbeat {

class Adagrad : public Optimizer {
 public:
  struct Settings {
    double lr_decay = 0;
    double eps = 1e-10;
    double initial_accumulator_value = 0;
  };
  Adagrad(std::vector<ParameterGroup> groups, const Settings& settings);

  void step() override;

 private:
  void list_options(std::size_t group, Options& options) override;
  void begin_state(std::size_t group, std::size_t parameter);

  std::vector<Settings> settings_;  // of each group
};

}  // namespace downbeat
