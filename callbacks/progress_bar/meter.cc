#include "callbacks/progress_bar/meter.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <array>

namespace downbeat {
namespace {

// Cells from empty to full. Every character is one column wide.
constexpr std::array kBlocks = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
constexpr std::array kAscii = {" ", "1", "2", "3", "4", "5", "6", "7", "8", "9", "#"};

std::string format_bar(double share, int columns, const auto& cells) {
  const int parts = static_cast<int>(cells.size()) - 1;
  const int filled = static_cast<int>(share * columns * parts);
  std::string bar;
  for (int i = 0; i < columns; ++i) bar += cells[std::clamp(filled - i * parts, 0, parts)];
  return bar;
}

std::string format_interval(double seconds) {
  constexpr double kLongest = 1e15;  // what is slower than that fits no int64_t
  const auto whole = static_cast<int64_t>(std::min(seconds, kLongest));
  const int64_t hours = whole / 3600;
  const std::string rest = absl::StrFormat("%02d:%02d", whole / 60 % 60, whole % 60);
  return hours > 0 ? absl::StrCat(hours, ":", rest) : rest;
}

std::string format_rate(double rate) {  // 0 is unknown
  if (rate == 0) return "?it/s";
  return 1 / rate > 1 ? absl::StrFormat("%5.2fs/it", 1 / rate) : absl::StrFormat("%5.2fit/s", rate);
}

size_t columns_of(const std::string& utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string cut_off(const std::string& utf8, size_t columns) {
  size_t end = 0;
  for (size_t seen = 0; end < utf8.size(); ++end) {
    if ((utf8[end] & 0xC0) != 0x80 && ++seen > columns) break;
  }
  return utf8.substr(0, end);
}

}  // namespace

std::string format_meter(const Meter& meter, const MeterLook& look) {
  const double average = meter.elapsed > 0 ? static_cast<double>(meter.n - meter.initial) / meter.elapsed : 0;
  const double rate = meter.rate.value_or(average);
  const std::string elapsed = format_interval(meter.elapsed);
  const std::string prefix = meter.prefix.empty() ? "" : meter.prefix + ": ";

  std::string line;
  if (const int64_t total = meter.total.value_or(0); total > 0 && meter.n <= total) {
    const double share = static_cast<double>(meter.n) / static_cast<double>(total);
    const std::string remaining = rate != 0 ? format_interval(static_cast<double>(total - meter.n) / rate) : "?";
    const std::string left = absl::StrFormat("%s%3.0f%%|", prefix, share * 100);
    const std::string right =
        absl::StrFormat("| %d/%d [%s<%s, %s]", meter.n, total, elapsed, remaining, format_rate(rate));
    const int taken = static_cast<int>(columns_of(left) + right.size());
    const int columns = look.width ? std::max(1, *look.width - taken) : 10;
    line = left + (look.ascii ? format_bar(share, columns, kAscii) : format_bar(share, columns, kBlocks)) + right;
  } else {
    line = absl::StrFormat("%s%dit [%s, %s]", prefix, meter.n, elapsed, format_rate(rate));
  }
  return look.width ? cut_off(line, static_cast<size_t>(std::max(0, *look.width))) : line;
}

}  // namespace downbeat
