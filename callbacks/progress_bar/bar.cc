#include "callbacks/progress_bar/bar.h"

#include <algorithm>
#include <utility>

namespace downbeat {

ProgressBar::ProgressBar(Facts facts, const ProgressPace& pace, double now)
    : facts_(std::move(facts)),
      pace_(pace),
      started_(now),
      n_(facts_.initial),
      next_look_(n_ + 1),
      looked_n_(n_),
      looked_at_(now),
      drawn_n_(n_),
      drawn_at_(now) {}

bool ProgressBar::advance(int64_t n, double now) {
  constexpr double kBetweenLooks = 0.01;
  constexpr int64_t kFarthest = 64;
  const double seconds = now - looked_at_;
  const double at_this_pace = static_cast<double>(n - looked_n_) / std::max(seconds, 1e-9) * kBetweenLooks;
  const int64_t farthest = std::min(kFarthest, 2 * (next_look_ - looked_n_));
  next_look_ = n + static_cast<int64_t>(std::clamp(at_this_pace, 1.0, static_cast<double>(farthest)));
  looked_n_ = n;
  looked_at_ = now;
  n_ = n;

  const double since_drawn = now - drawn_at_;
  const auto done_since = static_cast<double>(n - drawn_n_);
  if (since_drawn < pace_.min_interval) return false;
  if (pace_.share > 0 && since_drawn < pace_.max_interval &&
      !(facts_.total && done_since >= pace_.share * static_cast<double>(*facts_.total))) {
    return false;
  }
  if (done_since > 0) {
    done_.add(done_since);
    seconds_.add(since_drawn);
  }
  drawn_n_ = n;
  drawn_at_ = now;
  return true;
}

Meter ProgressBar::meter(double now) const {
  Meter meter = final_meter(now);
  if (seconds_.value() > 0) meter.rate = done_.value() / seconds_.value();
  return meter;
}

Meter ProgressBar::final_meter(double now) const {
  return {
      .n = n_, .total = facts_.total, .elapsed = now - started_, .initial = facts_.initial, .prefix = facts_.prefix};
}

void ProgressBar::Smooth::add(double value) {
  constexpr double kLast = 0.3;
  sum_ = kLast * value + (1 - kLast) * sum_;
  weight_ = kLast + (1 - kLast) * weight_;
}

}  // namespace downbeat
