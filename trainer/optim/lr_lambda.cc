#include "trainer/optim/lr_lambda.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <stdexcept>
#include <string>

#include "absl/strings/str_cat.h"
#include "trainer/optim/scheduler_arguments.h"

namespace downbeat {
namespace {

using Lambda = std::function<double(int64_t)>;

constexpr double kPi = std::numbers::pi;

double at_least_one(int64_t steps) { return static_cast<double>(std::max<int64_t>(1, steps)); }

// A linear rise over `warmup` steps, then `after`.
Lambda with_warmup(int64_t warmup, Lambda after) {
  return [warmup, after = std::move(after)](int64_t step) {
    return step < warmup ? static_cast<double>(step) / at_least_one(warmup) : after(step);
  };
}

struct Span {
  int64_t warmup;
  int64_t max_steps;
  double progress(int64_t step) const { return static_cast<double>(step - warmup) / at_least_one(max_steps - warmup); }
};

Lambda linear(const Span& span) {
  return [span](int64_t step) {
    return std::max(0.0, static_cast<double>(span.max_steps - step) / at_least_one(span.max_steps - span.warmup));
  };
}

Lambda cosine(const Span& span, double cycles, double min_lr_rate) {
  return [=](int64_t step) {
    double factor = 0.5 * (1.0 + std::cos(kPi * cycles * 2.0 * span.progress(step)));
    factor = factor * (1 - min_lr_rate) + min_lr_rate;
    return std::max(0.0, factor);
  };
}

Lambda cosine_with_restarts(const Span& span, double cycles) {
  return [=](int64_t step) {
    const double progress = span.progress(step);
    if (progress >= 1.0) return 0.0;
    return std::max(0.0, 0.5 * (1.0 + std::cos(kPi * std::fmod(cycles * progress, 1.0))));
  };
}

Lambda polynomial(const Span& span, double initial_lr, double lr_end, double power) {
  return [=](int64_t step) {
    if (step > span.max_steps) return lr_end / initial_lr;
    const double remaining =
        1 - static_cast<double>(step - span.warmup) / static_cast<double>(span.max_steps - span.warmup);
    const double decay = (initial_lr - lr_end) * std::pow(remaining, power) + lr_end;
    return decay / initial_lr;
  };
}

Lambda inverse_sqrt(int64_t warmup, double timescale) {
  return [=](int64_t step) {
    const double shift = timescale - static_cast<double>(warmup);
    return 1.0 / std::sqrt((static_cast<double>(step) + shift) / timescale);
  };
}

// The cosine begins one step early, and so that the warm-up does not begin at 0.
Lambda cosine_warmup_with_min_lr(const Span& span, double cycles, double min_lr_rate,
                                 std::optional<double> warmup_rate) {
  return [=](int64_t step) {
    const auto done = static_cast<double>(step);
    const auto warmup = static_cast<double>(span.warmup);
    if (step < span.warmup) {
      if (!warmup_rate) return (done + 1.0) / std::max(1.0, warmup);
      return *warmup_rate + (1.0 - *warmup_rate) * done / at_least_one(span.warmup - 1);
    }
    const double progress = (done - warmup + 1.0) / std::max(1.0, static_cast<double>(span.max_steps) - warmup);
    const double factor = 0.5 * (1.0 + std::cos(kPi * cycles * 2.0 * progress));
    return std::max(0.0, factor * (1 - min_lr_rate) + min_lr_rate);
  };
}

struct WarmupStableDecay {
  double warmup, stable, decay;
  std::string warmup_type, decay_type;
  double min_lr_ratio, cycles;

  double operator()(int64_t step) const {
    const auto done = static_cast<double>(step);
    if (done < warmup) return scaled(rise(done / std::max(1.0, warmup)));
    if (done < warmup + stable) return 1.0;
    if (done < warmup + stable + decay) return scaled(fall((done - warmup - stable) / std::max(1.0, decay)));
    return min_lr_ratio;
  }

 private:
  double scaled(double factor) const { return std::max(0.0, factor * (1.0 - min_lr_ratio) + min_lr_ratio); }
  double rise(double progress) const {
    if (warmup_type == "cosine") return 0.5 * (1.0 - std::cos(kPi * progress));
    return warmup_type == "linear" ? progress : 1.0 - std::sqrt(1.0 - progress);
  }
  double fall(double progress) const {
    if (decay_type == "cosine") return 0.5 * (1.0 + std::cos(kPi * cycles * 2.0 * progress));
    return decay_type == "linear" ? 1.0 - progress : 1.0 - std::sqrt(progress);
  }
};

Lambda warmup_stable_decay(const SchedulerArguments& given, const Span& span) {
  const double decay = given.number("num_decay_steps");
  const double rest = static_cast<double>(span.max_steps - span.warmup) - decay;
  return WarmupStableDecay{.warmup = static_cast<double>(span.warmup),
                           .stable = given.number("num_stable_steps", rest),
                           .decay = decay,
                           .warmup_type = given.one_of("warmup_type", {"linear", "cosine", "1-sqrt"}, "linear"),
                           .decay_type = given.one_of("decay_type", {"linear", "cosine", "1-sqrt"}, "cosine"),
                           .min_lr_ratio = given.number("min_lr_ratio", 0),
                           .cycles = given.number("num_cycles", 0.5)};
}

double min_lr_rate_of(const SchedulerArguments& given, const TrainingArguments& args) {
  if (given.has("min_lr") == given.has("min_lr_rate")) {
    throw std::invalid_argument(absl::StrCat("lr_scheduler_kwargs: ", to_string(args.lr_scheduler_type),
                                             " needs either min_lr or min_lr_rate"));
  }
  return given.has("min_lr") ? given.number("min_lr") / args.learning_rate : given.number("min_lr_rate");
}

double lr_end_of(const SchedulerArguments& given, const TrainingArguments& args) {
  const double lr_end = given.number("lr_end", 1e-7);
  if (args.learning_rate > lr_end) return lr_end;
  throw std::invalid_argument(
      absl::StrCat("lr_scheduler_kwargs: lr_end=", lr_end, " must be below learning_rate=", args.learning_rate));
}

}  // namespace

Lambda lr_lambda(const TrainingArguments& args, int64_t max_steps) {
  const SchedulerArguments given(args);
  const Span span{.warmup = warmup_steps(args, max_steps), .max_steps = max_steps};
  switch (args.lr_scheduler_type) {
    using enum SchedulerType;
    case linear:
      return with_warmup(span.warmup, downbeat::linear(span));
    case cosine:
      return with_warmup(span.warmup, downbeat::cosine(span, given.number("num_cycles", 0.5), 0.0));
    case cosine_with_restarts:
      return with_warmup(span.warmup, downbeat::cosine_with_restarts(span, given.number("num_cycles", 1)));
    case polynomial:
      return with_warmup(span.warmup, downbeat::polynomial(span, args.learning_rate, lr_end_of(given, args),
                                                           given.number("power", 1.0)));
    case constant:
      return [](int64_t) { return 1.0; };
    case constant_with_warmup:
      return with_warmup(span.warmup, [](int64_t) { return 1.0; });
    case inverse_sqrt: {
      const double otherwise = span.warmup != 0 ? static_cast<double>(span.warmup) : 10000.0;
      return with_warmup(span.warmup, downbeat::inverse_sqrt(span.warmup, given.number("timescale", otherwise)));
    }
    case cosine_with_min_lr:
      return with_warmup(span.warmup,
                         downbeat::cosine(span, given.number("num_cycles", 0.5), min_lr_rate_of(given, args)));
    case cosine_warmup_with_min_lr: {
      const bool has_rate = given.has("warmup_lr_rate");
      return downbeat::cosine_warmup_with_min_lr(
          span, given.number("num_cycles", 0.5), min_lr_rate_of(given, args),
          has_rate ? std::optional(given.number("warmup_lr_rate")) : std::nullopt);
    }
    case warmup_stable_decay:
      return downbeat::warmup_stable_decay(given, span);
    case reduce_lr_on_plateau:
    case greedy:
      break;
  }
  throw std::invalid_argument(
      absl::StrCat("lr_scheduler_type=", to_string(args.lr_scheduler_type), " is no function of the steps"));
}

}  // namespace downbeat
