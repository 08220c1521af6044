#include "integrations/support/small_file.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace downbeat {
namespace {

constexpr char kBeingWritten[] = ".writing-";

}  // namespace

absl::Status write_small_file(const std::string& path, absl::string_view content) {
  std::error_code error;
  const std::filesystem::path target(path);
  if (target.has_parent_path()) std::filesystem::create_directories(target.parent_path(), error);
  const std::string beside = absl::StrCat(path, kBeingWritten, getpid());
  std::ofstream file(beside, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  if (!file) error = std::error_code(errno, std::generic_category());
  if (!error) std::filesystem::rename(beside, target, error);
  if (!error) return absl::OkStatus();
  std::error_code ignored;
  std::filesystem::remove(beside, ignored);
  return absl::UnavailableError(absl::StrCat("cannot write ", path, ": ", error.message()));
}

bool is_being_written(const std::string& path) {
  return absl::StrContains(std::filesystem::path(path).filename().string(), kBeingWritten);
}

std::optional<std::string> read_small_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

}  // namespace downbeat
