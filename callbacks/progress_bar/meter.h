// One line of progress as text, to the letter as tqdm lays it out:   4%|▍         | 12/300 [00:01<00:32,  8.90it/s]
//
//   format_meter({.n = 12, .total = 300, .elapsed = 1.35}, {.width = 80});
//
// A pure function; bar.h says when to draw, display.h draws.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace downbeat {

struct Meter {
  int64_t n = 0;
  std::optional<int64_t> total = {};  // unknown, 0 or less than n: no bar, only counts
  double elapsed = 0;                 // seconds
  std::optional<double> rate = {};    // a second; unless given, the average so far
  int64_t initial = 0;                // where counting began, after a resume
  std::string prefix = {};
};

struct MeterLook {
  std::optional<int> width = {};  // columns of the whole line; without it the bar has ten and nothing is cut off
  bool ascii = false;             // digits and # in place of block characters
};

std::string format_meter(const Meter& meter, const MeterLook& look);

}  // namespace downbeat
