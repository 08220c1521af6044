// GreedyLR: transformers.optimization.GreedyLR: a larger learning rate while metric_for_best_model improves, a smaller
// one while it does not (https://arxiv.org/abs/2512.14527).
#pragma once

#include <cstdint>
#include <vector>

#include "trainer/optim/comparison.h"
#include "trainer/optim/lr_scheduler.h"
#include "trainer/optim/optimizer.h"

namespace downbeat {

class GreedyLR : public LRScheduler {
 public:
  struct Settings {
    Comparison comparison = {.threshold_mode = "abs", .threshold = 1e-6};
    double factor = 0.95;  // multiplies; the inverse where it goes up
    double patience = 10;
    double cooldown = 0;  // evaluations after a smaller one that do not count
    double warmup = 0;    // after a larger one
    double min_lr = 1e-3;
    double max_lr = 1.0;
    double eps = 1e-8;
    bool verbose = false;  // kept for scheduler.pt; nothing is printed
    bool smooth = false;   // average the metric over window_size evaluations
    int64_t window_size = 50;
    double reset_start = 500;  // changes at min_lr before everything begins anew
  };
  GreedyLR(Optimizer& optimizer, const Settings& settings);

  using LRScheduler::step;
  void step(double metric) override;
  bool wants_metric() const override { return true; }
  double last_lr() const override { return optimizer_.param_groups().front().lr; }

  PythonValue state_dict() const override;
  absl::Status load_state_dict(const PythonValue& state_dict) override;

 private:
  struct State {
    std::vector<double> min_lrs, max_lrs, initial_lrs, last_lrs;
    double best = 0;
    double cooldown_counter = 0, warmup_counter = 0;
    int64_t num_bad_epochs = 0, num_good_epochs = 0;
    double reset_start = 0;
    int64_t last_epoch = 0;
    std::vector<double> window;
    double window_sum = 0;
  };
  double smoothed(double metric);
  void count(double metric);
  void increase_lr();
  void reduce_lr();
  void reset();
  std::vector<double> lrs() const;

  Optimizer& optimizer_;
  Settings settings_;
  State state_;
};

}  // namespace downbeat
