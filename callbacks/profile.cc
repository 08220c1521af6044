#include "callbacks/profile.h"

#include <absl/strings/str_cat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "callbacks/profiler/recording.h"
#include "callbacks/profiler/report.h"
#include "callbacks/vocabulary/message.h"

namespace downbeat {
namespace {

using profiler::Event;
using profiler::Recording;
using profiler::RunFacts;

int64_t nanoseconds_of_steady_clock() {
  using std::chrono::nanoseconds;
  return std::chrono::duration_cast<nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void check_not_negative(const char* name, int64_t value) {
  if (value >= 0) return;
  throw std::invalid_argument(absl::StrCat("ProfileCallback: ", name, "=", value, " must not be negative"));
}

const char* name_of(RunEnd::How how) {
  switch (how) {
    case RunEnd::How::kCompleted:
      return "completed";
    case RunEnd::How::kStopped:
      return "stopped";
    case RunEnd::How::kInterrupted:
      return "interrupted";
    case RunEnd::How::kFailed:
      return "failed";
  }
  return "";
}

// False, and errno, where it cannot be written.
bool write_trace(const Recording& recording, const RunFacts& run) {
  std::error_code ignored;  // the file says it better
  const std::filesystem::path folder = std::filesystem::path(run.path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
  std::FILE* file = std::fopen(run.path.c_str(), "w");
  if (file == nullptr) return false;
  const bool is_written = profiler::write_chrome_trace(recording, run, file);
  const int error = errno;
  const bool is_closed = std::fclose(file) == 0;
  if (!is_written) errno = error;
  return is_written && is_closed;
}

void print(const std::string& text, std::FILE* stream) {
  const std::lock_guard lock(terminal_mutex());
  std::fputs(text.c_str(), stream);
  std::fflush(stream);
}

}  // namespace

ProfileCallback::ProfileCallback(ProfileOptions options) : options_(std::move(options)) {
  check_not_negative("max_events", options_.max_events);
  check_not_negative("skip_first_steps", options_.skip_first_steps);
  check_not_negative("steps", options_.steps);
  if (options_.clock == nullptr) options_.clock = nanoseconds_of_steady_clock;
}
ProfileCallback::~ProfileCallback() = default;
ProfileCallback::ProfileCallback(ProfileCallback&&) noexcept = default;
ProfileCallback& ProfileCallback::operator=(ProfileCallback&&) noexcept = default;

void ProfileCallback::begin_event(Event event, const TrainerState& state) {
  if (depth_ == 0 && event == Event::on_train_begin) begin_run(state);
  if (depth_ == 0 && event == Event::on_step_begin) begin_step(state);
  if (stage_ == Stage::recording) recording_->before_event(event);
  ++depth_;
}

void ProfileCallback::begin_hook(Event event, const ObservedCallback& callback) {
  recording_->before_hook(event, callback);
}

void ProfileCallback::end_hook(Event event) noexcept { recording_->after_hook(event); }

void ProfileCallback::end_event(Event event, const RunEnd* run_end) noexcept {
  --depth_;
  if (stage_ == Stage::recording) recording_->after_event(event);
  if (depth_ > 0 || event != Event::on_train_end || stage_ == Stage::idle) return;
  try {
    report(run_end);
  } catch (const std::exception& failed) {  // of memory
    warn(absl::StrCat("ProfileCallback cannot report: ", failed.what()));
  }
  stage_ = Stage::idle;
  recording_.reset();
}

// Also where one before it never got to its end.
void ProfileCallback::begin_run(const TrainerState& state) {
  recording_.reset();
  stage_ = Stage::idle;
  recording_ = std::make_unique<Recording>(options_.clock, options_.max_events);
  steps_begun_ = 0;
  stage_ = Stage::waiting;
  if (options_.skip_first_steps == 0) begin_recording(state);
}

void ProfileCallback::begin_step(const TrainerState& state) {
  const int64_t step = steps_begun_++;
  if (stage_ == Stage::waiting && step == options_.skip_first_steps) begin_recording(state);
  if (stage_ == Stage::recording && options_.steps > 0 && step == options_.skip_first_steps + options_.steps) {
    recording_->stop_before(Event::on_step_begin);
    stage_ = Stage::done;
  }
}

void ProfileCallback::begin_recording(const TrainerState& state) {
  first_step_ = state.global_step + 1;
  stage_ = Stage::recording;
}

void ProfileCallback::report(const RunEnd* run_end) {
  if (stage_ == Stage::recording) recording_->stop();
  RunFacts run{.first_step = first_step_,
               .is_part = options_.skip_first_steps > 0 || options_.steps > 0,
               .max_events = options_.max_events,
               .path = options_.path};
  if (run_end != nullptr) {
    run.how = name_of(run_end->how);
    run.reason = run_end->reason;
  }
  if (!run.path.empty() && !write_trace(*recording_, run)) {
    warn(absl::StrCat("ProfileCallback cannot write \"", run.path, "\": ", std::strerror(errno)));
    run.path.clear();
  }
  if (options_.table_stream != nullptr) print(profiler::table_of(*recording_, run), options_.table_stream);
}

}  // namespace downbeat
