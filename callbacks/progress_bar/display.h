// ProgressDisplay: where a training bar, a prediction bar under it, log lines and messages share one terminal.
//
// On a terminal the bars live in the last lines, and everything else is written above them. Anywhere else they are
// plain lines now and then, without carriage returns. Other threads may send messages meanwhile (vocabulary/message.h).
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <limits>
#include <optional>
#include <string>

#include "callbacks/progress_bar/bar.h"
#include "callbacks/vocabulary/message.h"

namespace downbeat {

class ProgressDisplay {
 public:
  enum Place { kTraining, kPrediction };

  ProgressDisplay(std::FILE* bar_stream, std::FILE* log_stream, std::function<double()> clock);
  ~ProgressDisplay();  // leaves the cursor in an empty line
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  bool is_open(Place place) const { return bars_[place].has_value(); }
  void open(Place place, std::optional<int64_t> total, int64_t initial);

  // Notes that n are done and draws if it is time to. Returns the n before which it need not be called again.
  int64_t advance(Place place, int64_t n);

  // The bar stays on the screen in its last form, or goes without a trace.
  enum class Leave { kYes, kNo };
  void close(Place place, int64_t n, Leave leave);
  void close_all();  // where they are; only a training bar and a lone prediction bar stay

  // A line for the log stream, above the bars. `n` is how far training is.
  void log_line(const std::string& line, int64_t n);
  void note(const std::string& line);  // a line for the bars' stream

 private:
  bool any_open() const { return is_open(kTraining) || is_open(kPrediction); }
  bool both_open() const { return is_open(kTraining) && is_open(kPrediction); }
  double now() const { return clock_(); }
  std::string text(const Meter& meter) const;
  void draw();
  void erase();
  void write(const std::string& text);

  std::FILE* bar_stream_;
  std::FILE* log_stream_;
  std::function<double()> clock_;
  bool live_;
  bool logs_are_piped_;
  bool ascii_;
  double drawn_not_before_ = std::numeric_limits<double>::lowest();
  std::array<std::optional<ProgressBar>, 2> bars_;
  std::optional<MessageHooks> hooks_;  // while a live bar is open
};

}  // namespace downbeat
