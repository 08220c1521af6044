#include "trainer/optim/greedy_lr.h"

#include <algorithm>
#include <utility>

#include "trainer/optim/scheduler_state.h"

namespace downbeat {

GreedyLR::GreedyLR(Optimizer& optimizer, const Settings& settings) : optimizer_(optimizer), settings_(settings) {
  const std::size_t groups = optimizer.param_groups().size();
  state_.min_lrs.assign(groups, settings.min_lr);
  state_.max_lrs.assign(groups, settings.max_lr);
  state_.initial_lrs = state_.last_lrs = lrs();
  state_.best = settings.comparison.worst();
  state_.reset_start = settings.reset_start;
}

std::vector<double> GreedyLR::lrs() const {
  std::vector<double> all;
  for (const ParameterGroup& group : std::as_const(optimizer_).param_groups()) all.push_back(group.lr);
  return all;
}

void GreedyLR::step(double metric) {
  if (settings_.smooth) metric = smoothed(metric);
  ++state_.last_epoch;
  if (state_.cooldown_counter > 0 || state_.warmup_counter > 0) {
    --(state_.cooldown_counter > 0 ? state_.cooldown_counter : state_.warmup_counter);
    state_.num_bad_epochs = state_.num_good_epochs = 0;
  } else {
    count(metric);
  }
  state_.last_lrs = lrs();
}

double GreedyLR::smoothed(double metric) {
  std::vector<double>& window = state_.window;
  window.push_back(metric);
  state_.window_sum += metric;
  if (static_cast<int64_t>(window.size()) > settings_.window_size) {
    state_.window_sum -= window.front();
    window.erase(window.begin());
  }
  return state_.window_sum / static_cast<double>(window.size());
}

void GreedyLR::count(double metric) {
  if (settings_.comparison.is_better(metric, state_.best)) {
    state_.best = metric;
    state_.num_bad_epochs = 0;
    ++state_.num_good_epochs;
  } else {
    ++state_.num_bad_epochs;
    state_.num_good_epochs = 0;
  }
  if (static_cast<double>(state_.num_good_epochs) > settings_.patience) {
    increase_lr();
    state_.warmup_counter = settings_.warmup;
    state_.num_good_epochs = 0;
  } else if (static_cast<double>(state_.num_bad_epochs) > settings_.patience) {
    reduce_lr();
    state_.cooldown_counter = settings_.cooldown;  // after a reset, too
    state_.num_bad_epochs = 0;
  }
}

void GreedyLR::increase_lr() {
  for (std::size_t i = 0; i < state_.max_lrs.size(); ++i) {
    double& lr = optimizer_.param_groups()[i].lr;
    const double larger = std::min(lr / settings_.factor, state_.max_lrs[i]);
    if (larger - lr > settings_.eps) lr = larger;
  }
  state_.reset_start = settings_.reset_start;
}

void GreedyLR::reduce_lr() {
  bool all_at_least = true;
  for (std::size_t i = 0; i < state_.min_lrs.size(); ++i) {
    double& lr = optimizer_.param_groups()[i].lr;
    const double smaller = std::max(lr * settings_.factor, state_.min_lrs[i]);
    if (lr - smaller > settings_.eps) lr = smaller;
    if (lr > state_.min_lrs[i]) all_at_least = false;
  }
  if (all_at_least && --state_.reset_start <= 0) reset();
}

void GreedyLR::reset() {
  for (std::size_t i = 0; i < state_.initial_lrs.size(); ++i) optimizer_.param_groups()[i].lr = state_.initial_lrs[i];
  state_.best = settings_.comparison.worst();
  state_.num_bad_epochs = state_.num_good_epochs = 0;
  state_.cooldown_counter = state_.warmup_counter = 0;
  state_.reset_start = settings_.reset_start;
  state_.window.clear();
  state_.window_sum = 0;
}

PythonValue GreedyLR::state_dict() const {
  PythonDict dict;
  dict.set("factor", settings_.factor);
  dict.set("min_lrs", list_of(state_.min_lrs));
  dict.set("max_lrs", list_of(state_.max_lrs));
  dict.set("patience", whole_or_float(settings_.patience));
  dict.set("verbose", settings_.verbose);
  dict.set("cooldown", whole_or_float(settings_.cooldown));
  dict.set("warmup", whole_or_float(settings_.warmup));
  dict.set("cooldown_counter", whole_or_float(state_.cooldown_counter));
  dict.set("warmup_counter", whole_or_float(state_.warmup_counter));
  dict.set("mode", settings_.comparison.mode);
  dict.set("threshold", settings_.comparison.threshold);
  dict.set("threshold_mode", settings_.comparison.threshold_mode);
  dict.set("best", state_.best);
  dict.set("num_bad_epochs", state_.num_bad_epochs);
  dict.set("num_good_epochs", state_.num_good_epochs);
  dict.set("eps", settings_.eps);
  dict.set("last_epoch", state_.last_epoch);
  dict.set("smooth", settings_.smooth);
  dict.set("window_size", settings_.window_size);
  dict.set("reset_start", whole_or_float(state_.reset_start));
  dict.set("reset_start_original", whole_or_float(settings_.reset_start));
  dict.set("_last_lr", list_of(state_.last_lrs));
  dict.set("_init_lrs", list_of(state_.initial_lrs));
  if (settings_.smooth) {
    PythonDict average;
    average.set("window_size", settings_.window_size);
    average.set("values", list_of(state_.window));
    average.set("sum", state_.window_sum);
    dict.set("_streaming_avg", std::move(average));
  }
  return dict;
}

absl::Status GreedyLR::load_state_dict(const PythonValue& state_dict) {
  SchedulerState from(state_dict);
  Settings settings = settings_;
  State state = state_;
  const std::size_t groups = state_.min_lrs.size();
  from.read("factor", settings.factor);
  from.read("min_lrs", state.min_lrs, groups);
  from.read("max_lrs", state.max_lrs, groups);
  from.read("patience", settings.patience);
  from.read("verbose", settings.verbose);
  from.read("cooldown", settings.cooldown);
  from.read("warmup", settings.warmup);
  from.read("cooldown_counter", state.cooldown_counter);
  from.read("warmup_counter", state.warmup_counter);
  from.read("mode", settings.comparison.mode);
  from.read("threshold", settings.comparison.threshold);
  from.read("threshold_mode", settings.comparison.threshold_mode);
  from.read("best", state.best);
  from.read("num_bad_epochs", state.num_bad_epochs);
  from.read("num_good_epochs", state.num_good_epochs);
  from.read("eps", settings.eps);
  from.read("last_epoch", state.last_epoch);
  from.read("smooth", settings.smooth);
  from.read("window_size", settings.window_size);
  from.read("reset_start", state.reset_start);
  from.read("reset_start_original", settings.reset_start);
  from.read("_last_lr", state.last_lrs, groups);
  from.read("_init_lrs", state.initial_lrs, groups);
  if (const PythonValue* average = from.find("_streaming_avg"); average && !average->is_none()) {
    const auto* dict = std::get_if<PythonDict>(average);
    const PythonValue* values = dict ? dict->find("values") : nullptr;
    const auto window = values ? as_numbers(*values) : std::nullopt;
    if (!window) return absl::InvalidArgumentError("_streaming_avg has no list values");
    state.window = *window;
    SchedulerState(*average).read("sum", state.window_sum);
  }
  if (!from.status().ok()) return from.status();
  settings_ = settings;
  state_ = std::move(state);
  // As transformers: the learning rates are put back into the groups.
  for (std::size_t i = 0; i < groups; ++i) optimizer_.param_groups()[i].lr = state_.last_lrs[i];
  return absl::OkStatus();
}

}  // namespace downbeat
