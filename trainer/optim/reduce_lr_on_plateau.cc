#include "trainer/optim/reduce_lr_on_plateau.h"

#include <algorithm>
#include <utility>

#include "trainer/optim/scheduler_state.h"

namespace downbeat {

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, const Settings& settings)
    : optimizer_(optimizer),
      settings_(settings),
      min_lrs_(optimizer.param_groups().size(), settings.min_lr),
      best_(settings.comparison.worst()) {}

void ReduceLROnPlateau::step(double metric) {
  ++last_epoch_;
  if (settings_.comparison.is_better(metric, best_)) {
    best_ = metric;
    num_bad_epochs_ = 0;
  } else {
    ++num_bad_epochs_;
  }
  if (cooldown_counter_ > 0) {
    --cooldown_counter_;
    num_bad_epochs_ = 0;
  }
  if (static_cast<double>(num_bad_epochs_) > settings_.patience) {
    reduce_lr();
    cooldown_counter_ = settings_.cooldown;
    num_bad_epochs_ = 0;
  }
}

void ReduceLROnPlateau::reduce_lr() {
  for (std::size_t i = 0; i < min_lrs_.size(); ++i) {
    double& lr = optimizer_.param_groups()[i].lr;
    const double smaller = std::max(lr * settings_.factor, min_lrs_[i]);
    if (lr - smaller > settings_.eps) lr = smaller;
  }
}

PythonValue ReduceLROnPlateau::state_dict() const {
  std::vector<double> last_lrs;
  for (const ParameterGroup& group : std::as_const(optimizer_).param_groups()) last_lrs.push_back(group.lr);
  PythonDict state;
  state.set("factor", settings_.factor);
  state.set("default_min_lr", whole_or_float(settings_.min_lr));
  state.set("min_lrs", list_of(min_lrs_));
  state.set("patience", whole_or_float(settings_.patience));
  state.set("cooldown", whole_or_float(settings_.cooldown));
  state.set("eps", settings_.eps);
  state.set("last_epoch", last_epoch_);
  state.set("_last_lr", list_of(last_lrs));
  state.set("mode_worse", settings_.comparison.worst());
  state.set("mode", settings_.comparison.mode);
  state.set("threshold", settings_.comparison.threshold);
  state.set("threshold_mode", settings_.comparison.threshold_mode);
  state.set("best", best_);
  state.set("cooldown_counter", whole_or_float(cooldown_counter_));
  state.set("num_bad_epochs", num_bad_epochs_);
  return state;
}

absl::Status ReduceLROnPlateau::load_state_dict(const PythonValue& state_dict) {
  SchedulerState state(state_dict);
  Settings settings = settings_;
  std::vector<double> min_lrs = min_lrs_;
  double best = best_, cooldown_counter = cooldown_counter_;
  int64_t num_bad_epochs = num_bad_epochs_, last_epoch = last_epoch_;
  state.read("factor", settings.factor);
  state.read("min_lrs", min_lrs, min_lrs_.size());
  state.read("patience", settings.patience);
  state.read("cooldown", settings.cooldown);
  state.read("eps", settings.eps);
  state.read("last_epoch", last_epoch);
  state.read("mode", settings.comparison.mode);
  state.read("threshold", settings.comparison.threshold);
  state.read("threshold_mode", settings.comparison.threshold_mode);
  state.read("best", best);
  state.read("cooldown_counter", cooldown_counter);
  state.read("num_bad_epochs", num_bad_epochs);
  if (!state.status().ok()) return state.status();
  settings_ = settings;
  min_lrs_ = std::move(min_lrs);
  best_ = best;
  cooldown_counter_ = cooldown_counter;
  num_bad_epochs_ = num_bad_epochs;
  last_epoch_ = last_epoch;
  return absl::OkStatus();
}

}  // namespace downbeat
