// Adafactor: transformers.optimization.Adafactor bit for bit, as HuggingFace's Trainer sets it up: with the learning
// rate of the schedule (scale_parameter and relative_step off) and no first moment.
#pragma once

#include <vector>

#include "trainer/optim/optimizer.h"

namespace downbeat {

class Adafactor : public Optimizer {
 public:
  struct Settings {
    double eps = 1e-30;             // added to squared gradients
    double parameter_scale = 1e-3;  // of scale_parameter, which is off
    double clip_threshold = 1.0;
    double decay_rate = -0.8;
  };
  explicit Adafactor(std::vector<ParameterGroup> groups);

  void step() override;

 private:
  void list_options(std::size_t group, Options& options) override;
  void begin_state(std::size_t group, std::size_t parameter, const at::Tensor& gradient);
  void update(std::size_t group, std::size_t parameter);

  std::vector<Settings> settings_;  // of each group
};

}  // namespace downbeat
