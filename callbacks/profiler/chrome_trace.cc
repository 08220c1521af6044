#include <absl/strings/str_cat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "callbacks/profiler/report.h"

namespace downbeat::profiler {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kPhaseRow = 1;
constexpr int kHookRow = 2;
constexpr std::size_t kBuffer = 1 << 16;

class Writer {
 public:
  Writer(const Recording& recording, const RunFacts& run, std::FILE* file)
      : recording_(recording), run_(run), file_(file), process_(getpid()) {}

  bool write() {
    text_ = absl::StrCat(R"({"displayTimeUnit": "ms", "otherData": )", text_of(facts()), R"(, "traceEvents": [)");
    add(metadata("process_name", 0, {{"name", "downbeat"}}));
    add_row(kPhaseRow, "phases");
    add_row(kHookRow, "callbacks");
    recording_.slices().for_each([&](const Slice& slice) { add(slice); });
    for (int row : {kPhaseRow, kHookRow}) end_slices_until(std::numeric_limits<int64_t>::max(), row);
    if (recording_.slices().left_out() > 0) add(end_of_slices());
    absl::StrAppend(&text_, "\n]}\n");
    flush();
    return std::fflush(file_) == 0 && std::ferror(file_) == 0;
  }

 private:
  static std::string text_of(const Json& json) {
    return json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
  }

  Json facts() const {
    Json facts = {{"program", "downbeat"}, {"steps", recording_.steps()}};
    if (recording_.steps() > 0) facts["first_step"] = run_.first_step;
    if (!run_.how.empty()) facts["how"] = run_.how;
    if (!run_.reason.empty()) facts["reason"] = run_.reason;
    facts["max_events"] = run_.max_events;
    facts["events_left_out"] = recording_.slices().left_out();
    return facts;
  }
  Json metadata(const char* name, int row, const Json& arguments) const {
    return {{"name", name}, {"ph", "M"}, {"pid", process_}, {"tid", row}, {"args", arguments}};
  }
  void add_row(int row, const char* name) {
    add(metadata("thread_name", row, {{"name", name}}));
    add(metadata("thread_sort_index", row, {{"sort_index", row}}));
  }
  // A mark across all rows where the trace is full.
  Json end_of_slices() const {
    int64_t last = recording_.begin();
    recording_.slices().for_each([&](const Slice& slice) { last = std::max(last, slice.begin); });
    const std::string name = absl::StrCat("the trace is full: max_events=", run_.max_events, ", ",
                                          recording_.slices().left_out(), " events are left out");
    return {{"name", name}, {"ph", "i"},       {"ts", static_cast<double>(last - recording_.begin()) / 1000},
            {"s", "g"},     {"pid", process_}, {"tid", kPhaseRow}};
  }

  void add(const Json& event) { add_text(text_of(event)); }
  void add(const Slice& slice) {
    const int row = slice.kind == Slice::Kind::phase || slice.kind == Slice::Kind::step ? kPhaseRow : kHookRow;
    end_slices_until(slice.begin, row);
    add_text(absl::StrCat(head_of(slice), R"("ph": "B", )", place(slice.begin, row)));
    ends_[row].push_back(slice.end);
  }
  void end_slices_until(int64_t time, int row) {
    std::vector<int64_t>& ends = ends_[row];
    for (; !ends.empty() && ends.back() <= time; ends.pop_back()) {
      add_text(absl::StrCat(R"({"ph": "E", )", place(ends.back(), row)));
    }
  }
  std::string place(int64_t time, int row) const {
    return absl::StrCat(R"("ts": )", microseconds(time - recording_.begin()), R"(, "pid": )", process_, R"(, "tid": )",
                        row, "}");
  }
  void add_text(const std::string& event) {
    absl::StrAppend(&text_, is_first_ ? "\n" : ",\n", event);
    is_first_ = false;
    if (text_.size() >= kBuffer) flush();
  }
  void flush() {
    std::fwrite(text_.data(), 1, text_.size(), file_);
    text_.clear();
  }

  std::string head_of(const Slice& slice) const {
    switch (slice.kind) {
      case Slice::Kind::phase:
        return absl::StrCat(R"({"name": ")", name_of(static_cast<Phase>(slice.number)), R"(", "cat": "phase", )");
      case Slice::Kind::step: {
        const int64_t step = run_.first_step + slice.number - 1;
        return absl::StrCat(R"({"name": "step", "cat": "step", "args": {"step": )", step, "}, ");
      }
      case Slice::Kind::event:
        return absl::StrCat(R"({"name": ")", name_of(slice.event), R"(", "cat": "event", )");
      case Slice::Kind::hook:
        break;
    }
    const std::string name = absl::StrCat(recording_.callbacks()[slice.number].label, "::", name_of(slice.event));
    return absl::StrCat(R"({"name": )", text_of(name), R"(, "cat": "hook", )");
  }
  static std::string microseconds(int64_t nanoseconds) {
    return absl::StrCat(nanoseconds / 1000, ".", absl::Dec(nanoseconds % 1000, absl::kZeroPad3));
  }

  const Recording& recording_;
  const RunFacts& run_;
  std::FILE* file_;
  int process_;
  std::string text_;
  bool is_first_ = true;
  std::array<std::vector<int64_t>, kHookRow + 1> ends_;  // of the slices that have begun, by row
};

}  // namespace

bool write_chrome_trace(const Recording& recording, const RunFacts& run, std::FILE* file) {
  return Writer(recording, run, file).write();
}

}  // namespace downbeat::profiler
