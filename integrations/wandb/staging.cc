#include "integrations/wandb/staging.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "integrations/support/files_below.h"
#include "integrations/wandb/md5.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

absl::StatusOr<std::string> md5_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Md5 md5;
  std::string buffer(std::size_t{1} << 20, '\0');
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())), file.gcount() > 0) {
    md5.add(absl::string_view(buffer.data(), static_cast<std::size_t>(file.gcount())));
  }
  if (!file.eof()) return absl::UnavailableError(absl::StrCat(path, " cannot be read: ", std::strerror(errno)));
  return md5.digest();
}

}  // namespace

StagedFiles link_files(const std::string& source, const std::string& directory,
                       const std::function<bool(const std::string& path)>& is_wanted) {
  StagedFiles files{.source = source, .directory = directory};
  std::error_code error;
  for (const std::string& path : files_below(source, error)) {
    if (!is_wanted(path)) continue;
    const fs::path target = fs::path(directory) / path;
    fs::create_directories(target.parent_path(), error);
    // A link to a file would come along as what it is, and lead nowhere once that file is gone.
    const bool is_link = fs::is_symlink(fs::path(source) / path, error);
    if (!is_link) fs::create_hard_link(fs::path(source) / path, target, error);
    if (is_link || error) files.to_copy.push_back(path);
  }
  return files;
}

absl::Status copy_rest(const StagedFiles& files) {
  for (const std::string& path : files.to_copy) {
    std::error_code error;
    fs::copy_file(fs::path(files.source) / path, fs::path(files.directory) / path, error);
    if (error) return absl::UnavailableError(absl::StrCat(files.source, "/", path, ": ", error.message()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<WandbArtifactFile>> contents_of(const std::string& directory) {
  std::vector<WandbArtifactFile> files;
  std::error_code error;
  const std::vector<std::string> paths = files_below(directory, error);
  if (error) return absl::UnavailableError(absl::StrCat(directory, ": ", error.message()));
  if (paths.empty()) return absl::NotFoundError(absl::StrCat("there are no files in ", directory));
  for (const std::string& path : paths) {
    const fs::path file = fs::absolute(fs::path(directory) / path).lexically_normal();
    absl::StatusOr<std::string> md5 = md5_of(file.string());
    if (!md5.ok()) return md5.status();
    const auto size = static_cast<int64_t>(fs::file_size(file, error));
    files.push_back({.path = path, .local_path = file.string(), .md5 = *std::move(md5), .size = size});
  }
  return files;
}

}  // namespace downbeat
