#include "integrations/support/append_file.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "callbacks/vocabulary/message.h"

namespace downbeat {
namespace {

absl::Status system_error(int error) { return absl::UnavailableError(std::strerror(error)); }

}  // namespace

AppendFile::AppendFile(std::string tracker, std::string path, const AppendFileOptions& options)
    : tracker_(std::move(tracker)), path_(std::move(path)), options_(options) {}

AppendFile::~AppendFile() {
  if (file_ >= 0) ::close(file_);
}

bool AppendFile::append(absl::string_view record, int64_t values) {
  if (absl::Now() < next_try_) return lose(values);
  absl::Status status = open();
  if (status.ok()) status = write(record);
  if (status.ok()) return true;
  const bool is_first = reason_.empty();
  reason_ = std::string(status.message());
  next_try_ = absl::Now() + options_.retry_every;
  if (is_first) {
    warn(absl::StrCat(tracker_, ": ", path_, " cannot be written: ", reason_,
                      "; training goes on, and writing is tried again every ",
                      absl::FormatDuration(options_.retry_every)));
  }
  return lose(values);
}

bool AppendFile::lose(int64_t values) {
  lost_ += values;
  return false;
}

void AppendFile::report_lost() const {
  if (lost_ == 0) return;
  warn(absl::StrCat(tracker_, ": ", lost_, " values could not be kept in ", path_, ": ", reason_));
}

absl::Status AppendFile::open() {
  if (file_ >= 0) return absl::OkStatus();
  const std::filesystem::path directory = std::filesystem::path(path_).parent_path();
  std::error_code error;
  if (!directory.empty()) std::filesystem::create_directories(directory, error);
  if (error) return absl::UnavailableError(error.message());
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (options_.must_be_new ? O_EXCL : 0), 0666);
  if (file_ < 0) return system_error(errno);
  size_ = ::lseek(file_, 0, SEEK_END);
  return absl::OkStatus();
}

absl::Status AppendFile::write(absl::string_view record) {
  std::size_t done = 0;
  while (done < record.size()) {
    const ssize_t written = ::write(file_, record.data() + done, record.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const int reason = written < 0 ? errno : ENOSPC;
      if (done > 0 && ::ftruncate(file_, size_) != 0) {
        ::close(file_);  // the next record would stand behind half of this one
        file_ = -1;
      }
      return system_error(reason);
    }
    done += static_cast<std::size_t>(written);
  }
  size_ += static_cast<int64_t>(record.size());
  return absl::OkStatus();
}

}  // namespace downbeat
