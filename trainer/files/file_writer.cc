#include "trainer/files/file_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kGathered = 1 << 20;
constexpr std::size_t kChunk = 8 << 20;

std::string without_links(const std::string& path) {
  std::error_code error;
  const fs::path found = fs::canonical(path, error);
  return error ? path : found.string();
}

std::string hidden_sibling(const std::string& path) {
  const fs::path target(path);
  return (target.parent_path() / absl::StrCat(".writing-", target.filename().string())).string();
}

bool can_be_replaced(const std::string& path) {
  std::error_code ignored;
  const fs::file_type type = fs::status(path, ignored).type();
  return type == fs::file_type::regular || type == fs::file_type::not_found;
}

}  // namespace

FileWriter::~FileWriter() { close(); }

absl::Status FileWriter::open(const std::string& path) {
  path_ = path;
  target_ = without_links(path);
  written_ = can_be_replaced(target_) ? hidden_sibling(target_) : target_;
  file_ = ::open(written_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  return file_ < 0 ? fail() : absl::OkStatus();
}

absl::Status FileWriter::write(absl::string_view bytes) {
  if (!status_.ok()) return status_;
  if (gathered_.size() + bytes.size() <= kGathered) {
    gathered_.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  if (absl::Status status = flush(); !status.ok()) return status;
  return write_out(bytes);
}

absl::Status FileWriter::finish() {
  if (!status_.ok() || !flush().ok()) return status_;
  const bool is_on_disk = ::fsync(file_) == 0 || errno == EINVAL;  // a pipe or a device has no disk to wait for
  if (!is_on_disk || std::rename(written_.c_str(), target_.c_str()) != 0) return fail();
  written_ = target_;
  close();
  return absl::OkStatus();
}

absl::Status FileWriter::flush() {
  const absl::Status status = write_out(gathered_);
  gathered_.clear();
  return status;
}

absl::Status FileWriter::write_out(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), std::min(bytes.size(), kChunk));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail();
    ::sync_file_range(file_, position_, written, SYNC_FILE_RANGE_WRITE);  // begins to write; only a hint
    position_ += written;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status FileWriter::fail() {
  status_ = absl::UnavailableError(absl::StrCat("cannot write ", path_, ": ", std::strerror(errno)));
  close();
  return status_;
}

void FileWriter::close() {
  if (file_ < 0) return;
  ::close(file_);
  file_ = -1;
  if (written_ != target_) ::unlink(written_.c_str());
}

}  // namespace downbeat
