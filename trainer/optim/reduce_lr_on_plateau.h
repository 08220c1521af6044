// ReduceLROnPlateau: torch.optim.lr_scheduler.ReduceLROnPlateau: a smaller learning rate when metric_for_best_model has
// not improved for some evaluations.
#pragma once

#include <cstdint>
#include <vector>

#include "trainer/optim/comparison.h"
#include "trainer/optim/lr_scheduler.h"
#include "trainer/optim/optimizer.h"

namespace downbeat {

class ReduceLROnPlateau : public LRScheduler {
 public:
  struct Settings {
    Comparison comparison = {};
    double factor = 0.1;
    double patience = 10;  // evaluations without improvement; one more changes the learning rate
    double cooldown = 0;   // evaluations after a change that do not count
    double min_lr = 0;
    double eps = 1e-8;  // smaller changes are not made
  };
  ReduceLROnPlateau(Optimizer& optimizer, const Settings& settings);

  using LRScheduler::step;
  void step(double metric) override;
  bool wants_metric() const override { return true; }
  double last_lr() const override { return optimizer_.param_groups().front().lr; }

  PythonValue state_dict() const override;
  absl::Status load_state_dict(const PythonValue& state_dict) override;

 private:
  void reduce_lr();

  Optimizer& optimizer_;
  Settings settings_;
  std::vector<double> min_lrs_;
  double best_;
  double cooldown_counter_ = 0;
  int64_t num_bad_epochs_ = 0;
  int64_t last_epoch_ = 0;  // evaluations seen
};

}  // namespace downbeat
