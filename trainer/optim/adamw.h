// AdamW: torch.optim.AdamW bit for bit, the fused form (HuggingFace's default) and the plain one, which differ in the
// last bits. torch::optim::AdamW is slower and equals neither.
#pragma once

#include <vector>

#include "trainer/optim/optimizer.h"

namespace downbeat {

class AdamW : public Optimizer {
 public:
  struct Settings {
    double beta1 = 0.9;
    double beta2 = 0.999;
    double eps = 1e-8;
    std::optional<bool> fused = true;  // nothing: as false; a checkpoint may say so
  };
  AdamW(std::vector<ParameterGroup> groups, const Settings& settings);

  void step() override;

 private:
  void list_options(std::size_t group, Options& options) override;
  void step_fused(std::size_t group);
  void step_fused_by_type(std::size_t group);
  void step_plain(std::size_t group);
  // Fills the state of a parameter at its first gradient.
  void begin_state(std::size_t group, std::size_t parameter);

  std::vector<Settings> settings_;     // of each group
  std::vector<at::Tensor> gradients_;  // of the group at hand; kept for its memory
};

}  // namespace downbeat
