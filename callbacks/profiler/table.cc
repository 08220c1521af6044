#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "callbacks/profiler/report.h"

namespace downbeat::profiler {
namespace {

struct Row {
  std::string name;
  std::string event;
  Sum sum;
};

class Table {
 public:
  Table(int64_t duration, std::vector<Row> rows) : duration_(duration), rows_(std::move(rows)) {}

  std::string with_heading(const std::string& name, const std::string& event) const {
    const std::size_t width = width_of(&Row::name, name);
    const std::size_t event_width = width_of(&Row::event, event);
    std::string text = absl::StrFormat("%-*s  %-*s  %10s  %12s  %12s  %6s\n", width, name, event_width, event, "calls",
                                       "total ms", "mean us", "share");
    for (const Row& row : rows_) {
      absl::StrAppendFormat(&text, "%-*s  %-*s  %10d  %12.3f  %12.3f  %5.1f%%\n", width, row.name, event_width,
                            row.event, row.sum.calls, in_milliseconds(row.sum), mean_in_microseconds(row.sum),
                            share(row.sum));
    }
    return text;
  }

 private:
  std::size_t width_of(std::string Row::* column, const std::string& heading) const {
    std::size_t width = heading.size();
    for (const Row& row : rows_) width = std::max(width, (row.*column).size());
    return width;
  }
  static double in_milliseconds(const Sum& sum) { return static_cast<double>(sum.nanoseconds) / 1e6; }
  static double mean_in_microseconds(const Sum& sum) {
    return sum.calls == 0 ? 0 : static_cast<double>(sum.nanoseconds) / 1e3 / static_cast<double>(sum.calls);
  }
  double share(const Sum& sum) const {
    return duration_ == 0 ? 0 : 100 * static_cast<double>(sum.nanoseconds) / static_cast<double>(duration_);
  }

  int64_t duration_;
  std::vector<Row> rows_;
};

std::vector<Row> phase_rows(const Recording& recording) {
  std::vector<Row> rows;
  Sum all;
  for (std::size_t i = 0; i < kPhases; ++i) {
    const auto phase = static_cast<Phase>(i);
    const Sum& sum = recording.phase(phase);
    if (sum.calls > 0) rows.push_back({name_of(phase), "", sum});
    all.calls += sum.calls;
    all.nanoseconds += sum.nanoseconds;
  }
  rows.push_back({"all", "", all});
  return rows;
}

// The slowest first.
std::vector<Row> hook_rows(const Recording& recording) {
  std::vector<Row> rows;
  for (const Recording::Callback& callback : recording.callbacks()) {
    for (std::size_t i = 0; i < kEvents; ++i) {
      const Sum& sum = callback.events[i];
      if (sum.calls > 0) rows.push_back({callback.label, name_of(static_cast<Event>(i)), sum});
    }
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& one, const Row& other) { return one.sum.nanoseconds > other.sum.nanoseconds; });
  rows.push_back({"all", "", recording.hooks()});
  return rows;
}

std::string headline(const Recording& recording, const RunFacts& run) {
  std::string text = absl::StrFormat("profile of %d steps", recording.steps());
  if (run.is_part && recording.steps() > 0) absl::StrAppend(&text, " from step ", run.first_step);
  absl::StrAppendFormat(&text, ", %.3f ms", static_cast<double>(recording.duration()) / 1e6);
  if (!run.how.empty()) absl::StrAppend(&text, "; training ", run.how);
  const std::string reason = run.reason.substr(0, run.reason.find('\n'));  // LibTorch's go on with a stack
  if (!reason.empty()) absl::StrAppend(&text, " (", reason, ")");
  if (!run.path.empty()) absl::StrAppend(&text, "; trace: ", run.path);
  return text + "\n";
}

}  // namespace

std::string table_of(const Recording& recording, const RunFacts& run) {
  std::string text = headline(recording, run);
  absl::StrAppend(&text, Table(recording.duration(), phase_rows(recording)).with_heading("phase", ""), "\n",
                  Table(recording.duration(), hook_rows(recording)).with_heading("callback", "event"));
  if (const int64_t left_out = recording.slices().left_out(); left_out > 0) {
    absl::StrAppend(&text, "The trace is full: max_events=", run.max_events, ", ", left_out,
                    " events are in this table only.\n");
  }
  return text;
}

}  // namespace downbeat::profiler
