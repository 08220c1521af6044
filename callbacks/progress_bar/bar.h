// ProgressBar: counts, measures the rate as tqdm does (its last intervals weigh more), and says when it is worth
// drawing.
//
//   ProgressBar bar({.total = 300}, kLivePace, now());
//   if (n >= bar.next_look() && bar.advance(n, now())) draw(format_meter(bar.meter(now()), look));
//
// It writes nothing and reads no clock: seconds are handed in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "callbacks/progress_bar/meter.h"

namespace downbeat {

// How often a bar is drawn: at most every min_interval seconds, and only if `share` of the whole has been done since or
// max_interval seconds have gone by.
struct ProgressPace {
  double min_interval;
  double share;
  double max_interval;
};
inline constexpr ProgressPace kLivePace = {.min_interval = 0.1, .share = 0, .max_interval = 0};
// Lines that stay, in a file or a build's log.
inline constexpr ProgressPace kLinesPace = {.min_interval = 10, .share = 0.1, .max_interval = 60};

class ProgressBar {
 public:
  struct Facts {
    std::optional<int64_t> total = {};
    int64_t initial = 0;
    std::string prefix = {};
  };
  ProgressBar(Facts facts, const ProgressPace& pace, double now);

  // The clock need not be read before this many are done.
  //
  // Reading a clock costs 20 to 1000 ns, according to machine and container; a step of a small simulation costs less.
  // So looks are spaced by what is done in a hundredth of a second at the present pace, by no more than 64, and no more
  // than twice as far as the last time: what they cost is divided by that, and when steps become slow all of a sudden
  // the bar wakes up after few of them. (tqdm spaces them without a limit and needs a thread that notices a bar that
  // sleeps.)
  int64_t next_look() const { return next_look_; }

  // Notes that n are done by now. True if the bar should be drawn.
  bool advance(int64_t n, double now);

  // Notes that n are done, for whoever draws in between.
  void set(int64_t n) { n_ = n; }

  int64_t n() const { return n_; }
  bool shows_all() const {
    return drawn_n_ == n_ && n_ != facts_.initial;
  }  // nothing was done since advance() was true
  Meter meter(double now) const;        // with the present rate
  Meter final_meter(double now) const;  // with the average one

 private:
  // An average in which the last value weighs 0.3, the one before 0.3 * 0.7, ...
  class Smooth {
   public:
    void add(double value);
    double value() const { return weight_ == 0 ? 0 : sum_ / weight_; }

   private:
    double sum_ = 0;
    double weight_ = 0;
  };

  Facts facts_;
  ProgressPace pace_;
  double started_;
  int64_t n_;
  int64_t next_look_;
  int64_t looked_n_;
  double looked_at_;
  int64_t drawn_n_;
  double drawn_at_;
  Smooth done_;
  Smooth seconds_;
};

}  // namespace downbeat
