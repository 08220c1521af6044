#include "integrations/tensorboard/event_file.h"

#include <absl/strings/ascii.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "integrations/support/machine.h"
#include "integrations/support/now.h"
#include "integrations/tensorboard/event.h"

namespace downbeat {
namespace {

constexpr char kPrefix[] = "events.out.tfevents.";

// The seconds in the name of a file; 0: it is none of ours.
int64_t seconds_in(const std::string& name) {
  int64_t seconds = 0;
  if (!absl::StartsWith(name, kPrefix)) return 0;
  std::from_chars(name.data() + sizeof(kPrefix) - 1, name.data() + name.size(), seconds);
  return seconds;
}

// The present second, or the first one after the names that are there.
int64_t next_second(const std::string& directory) {
  int64_t seconds = now_us() / 1'000'000;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    seconds = std::max(seconds, seconds_in(entry.path().filename().string()) + 1);
  }
  return seconds;
}

std::string new_path(const std::string& directory) {
  static std::atomic<int64_t> count{0};
  return absl::StrFormat("%s/%s%010d.%s.%d.%d", directory, kPrefix, next_second(directory), host_name(), getpid(),
                         count++);
}

}  // namespace

EventFile::EventFile(const std::string& directory, int64_t purge_step, const AppendFileOptions& options)
    : file_("TensorBoard", new_path(directory), options) {
  const double time = now_seconds();
  add_to_beginning(version_event(time, purge_step));
  if (purge_step == 0) return;
  // Twice, as readers take the first one of a directory for the beginning of all and void nothing.
  add_to_beginning(session_start_event(time, purge_step));
  add_to_beginning(session_start_event(time, purge_step));
}

void EventFile::add(const std::string& event) { events_ += event_record(event); }

void EventFile::add_to_beginning(const std::string& event) { beginning_ += event_record(event); }

bool EventFile::write(int64_t values) {
  const bool is_kept = file_.append(beginning_ + events_, values);
  if (is_kept) beginning_.clear();
  events_.clear();
  return is_kept;
}

}  // namespace downbeat
