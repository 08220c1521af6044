#include "integrations/codecarbon/emissions_file.h"

#include <absl/strings/match.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "integrations/codecarbon/csv.h"
#include "integrations/support/small_file.h"

namespace downbeat {
namespace {

constexpr auto kLongestTurn = std::chrono::seconds(5);
constexpr auto kLookAgain = std::chrono::milliseconds(5);

absl::Status system_error(int error) { return absl::UnavailableError(std::strerror(error)); }

// An open file, locked as long as this lives. The lock only keeps this library's writers apart: where a file system has
// none, or somebody holds it for too long, the row is appended all the same.
class LockedFile {
 public:
  explicit LockedFile(const std::string& path)
      : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666)), error_(file_ < 0 ? errno : 0) {
    struct stat status{};
    if (file_ >= 0 && ::fstat(file_, &status) == 0 && !S_ISREG(status.st_mode)) error_ = EINVAL;
    if (error_ == 0) lock();
  }
  ~LockedFile() {
    if (file_ >= 0) ::close(file_);
  }
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;

  int error() const { return error_; }

  // While this one waited for its turn, another may have put a new file into the path.
  bool is_at(const std::string& path) const {
    struct stat mine{};
    struct stat there{};
    return ::fstat(file_, &mine) == 0 && ::stat(path.c_str(), &there) == 0 && mine.st_ino == there.st_ino &&
           mine.st_dev == there.st_dev;
  }

  absl::Status append(absl::string_view text) {
    const off_t before = ::lseek(file_, 0, SEEK_END);
    ssize_t written = -1;
    do {
      written = ::write(file_, text.data(), text.size());
    } while (written < 0 && errno == EINTR);
    if (written == static_cast<ssize_t>(text.size())) return absl::OkStatus();
    const int reason = written < 0 ? errno : ENOSPC;
    if (written > 0 && ::ftruncate(file_, before) != 0) return system_error(errno);
    return system_error(reason);
  }

 private:
  void lock() {
    const auto until = std::chrono::steady_clock::now() + kLongestTurn;
    while (::flock(file_, LOCK_EX | LOCK_NB) != 0 && (errno == EWOULDBLOCK || errno == EINTR)) {
      if (std::chrono::steady_clock::now() > until) return;
      std::this_thread::sleep_for(kLookAgain);
    }
  }

  int file_;
  int error_;
};

std::vector<std::string> names_of(const Columns& row) {
  std::vector<std::string> names;
  for (const auto& [name, value] : row) names.push_back(name);
  return names;
}

bool same_names(std::vector<std::string> a, std::vector<std::string> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

std::string record_in_order(const Columns& row, const std::vector<std::string>& order) {
  std::vector<std::string> values;
  for (const std::string& name : order) {
    values.push_back(
        std::find_if(row.begin(), row.end(), [&](const auto& entry) { return entry.first == name; })->second);
  }
  return csv_record(values);
}

absl::StatusOr<std::string> put_aside(const std::string& path) {
  std::string backup = path + ".bak";
  std::error_code error;
  for (int i = 0; std::filesystem::exists(backup, error); ++i) backup = absl::StrCat(path, "_", i, ".bak");
  std::filesystem::rename(path, backup, error);
  if (error) return absl::UnavailableError(error.message());
  return backup;
}

// The text without the one row of this run; nothing where there is none, or more than one.
std::optional<std::string> without_run(absl::string_view text, const std::vector<std::string>& header,
                                       const std::string& run_id) {
  const auto column = static_cast<std::size_t>(std::find(header.begin(), header.end(), "run_id") - header.begin());
  std::string rest;
  int of_this_run = 0;
  for (const absl::string_view record : csv_records(text)) {
    const std::vector<std::string> fields = csv_fields(record);
    const bool is_of_this_run = column < fields.size() && fields[column] == run_id;
    of_this_run += is_of_this_run ? 1 : 0;
    if (!is_of_this_run) absl::StrAppend(&rest, record);
  }
  return of_this_run == 1 ? std::optional(rest) : std::nullopt;
}

absl::Status replace(const std::string& path, const std::string& text) {
  const absl::Status status = write_small_file(path, text);
  if (status.ok()) return status;
  const std::string sentence(status.message());  // ends in the system's reason
  return absl::UnavailableError(sentence.substr(sentence.rfind(": ") + 2));
}

}  // namespace

absl::StatusOr<std::string> write_emissions(const std::string& path, const Columns& row, EmissionsWrite how) {
  std::error_code error;
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  if (!directory.empty()) std::filesystem::create_directories(directory, error);
  if (error) return absl::UnavailableError(error.message());

  std::string backup;
  while (true) {
    LockedFile file(path);
    if (file.error() != 0) return system_error(file.error());
    if (!file.is_at(path)) continue;
    std::string text = read_small_file(path).value_or("");

    std::vector<std::string> header = names_of(row);
    if (!text.empty()) {
      const std::vector<std::string> found = csv_fields(csv_records(text).front());
      if (!same_names(found, header)) {
        const absl::StatusOr<std::string> moved = put_aside(path);
        if (!moved.ok()) return moved.status();
        backup = *moved;
        continue;
      }
      header = found;
    }

    std::string added = record_in_order(row, header);
    if (text.empty()) added = csv_record(header) + added;
    if (!text.empty() && text.back() != '\n') added = "\n" + added;
    const auto run_id = std::find_if(row.begin(), row.end(), [](const auto& entry) { return entry.first == "run_id"; });
    absl::Status status;
    const auto rest = how == EmissionsWrite::kUpdate ? without_run(text, header, run_id->second) : std::nullopt;
    if (rest) {
      const bool needs_line_end = !rest->empty() && rest->back() != '\n';
      status = replace(path, absl::StrCat(*rest, needs_line_end ? "\n" : "", record_in_order(row, header)));
    } else {
      status = file.append(added);
    }
    if (!status.ok()) return status;
    return backup;
  }
}

}  // namespace downbeat
