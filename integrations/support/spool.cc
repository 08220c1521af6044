#include "integrations/support/spool.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "integrations/support/small_file.h"

namespace downbeat {
namespace {

constexpr std::size_t kReadAhead = 1 << 20;

std::string acknowledged_path(const std::string& path) { return path + ".acknowledged"; }

int64_t acknowledged_of(const std::string& path) {
  int64_t bytes = 0;
  return absl::SimpleAtoi(read_small_file(acknowledged_path(path)).value_or("0"), &bytes) ? std::max<int64_t>(bytes, 0)
                                                                                          : 0;
}

}  // namespace

Spool::Spool(std::string tracker, std::string path, const AppendFileOptions& options)
    : file_(std::move(tracker), std::move(path), options) {}

Spool::~Spool() {
  for (const int file : {reading_, acknowledging_}) {
    if (file >= 0) ::close(file);
  }
}

bool Spool::lock() {
  const std::lock_guard guard(mutex_);
  return try_lock();
}

bool Spool::try_lock() {
  if (reading_ < 0) reading_ = ::open(path().c_str(), O_RDONLY | O_CLOEXEC);
  return reading_ >= 0 && ::flock(reading_, LOCK_EX | LOCK_NB) == 0;
}

bool Spool::append(absl::string_view entry, int64_t values) {
  const bool is_kept = file_.append(absl::StrCat(entry, "\n"), values);
  if (is_kept && !std::exchange(has_entries_, true)) lock();  // before the first one there was no file
  return is_kept;
}

void Spool::read_acknowledged() {
  if (acknowledged_ >= 0) return;
  acknowledged_ = acknowledged_of(path());
}

std::optional<std::string> Spool::first() {
  const std::lock_guard guard(mutex_);
  if (reading_ < 0) reading_ = ::open(path().c_str(), O_RDONLY | O_CLOEXEC);
  if (reading_ < 0) return std::nullopt;
  read_acknowledged();
  std::size_t end = ahead_.find('\n');
  while (end == std::string::npos) {
    const std::size_t before = ahead_.size();
    ahead_.resize(before + kReadAhead);
    const ssize_t count =
        ::pread(reading_, ahead_.data() + before, kReadAhead, acknowledged_ + static_cast<int64_t>(before));
    ahead_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count <= 0) return std::nullopt;
    end = ahead_.find('\n', before);
  }
  return ahead_.substr(0, end);
}

void Spool::acknowledge() {
  const std::lock_guard guard(mutex_);
  const std::size_t size = ahead_.find('\n') + 1;  // 0 where there is no entry
  ahead_.erase(0, size);
  acknowledged_ += static_cast<int64_t>(size);
  if (acknowledging_ < 0)
    acknowledging_ = ::open(acknowledged_path(path()).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  const std::string text = absl::StrFormat("%020d\n", acknowledged_);  // as long as the one before, so that it is whole
  static_cast<void>(::pwrite(acknowledging_, text.data(), text.size(), 0) == 0);  // lost: the entry is sent twice
}

void Spool::remove() {
  const std::lock_guard guard(mutex_);
  std::error_code ignored;
  std::filesystem::remove(path(), ignored);
  std::filesystem::remove(acknowledged_path(path()), ignored);
}

std::vector<std::string> unfinished_spools(const std::string& directory) {
  std::vector<std::pair<std::filesystem::file_time_type, std::string>> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string path = (entry.path() / "spool.jsonl").string();
    const auto size = std::filesystem::file_size(path, error);
    if (error || static_cast<int64_t>(size) <= acknowledged_of(path)) continue;
    found.emplace_back(std::filesystem::last_write_time(path, error), path);
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> paths;
  for (auto& [time, path] : found) paths.push_back(std::move(path));
  return paths;
}

}  // namespace downbeat
