#include "integrations/wandb/run_directory.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "integrations/support/machine.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

void point_latest_run_to(const fs::path& run_directory) {
  std::error_code error;
  const fs::path link = run_directory.parent_path() / "latest-run";
  const fs::path beside = run_directory.parent_path() / absl::StrCat(".latest-run-", random_hex(8));
  fs::create_directory_symlink(run_directory.filename(), beside, error);
  if (!error) fs::rename(beside, link, error);  // at once, as another run may do the same
  if (error) fs::remove(beside, error);
}

}  // namespace

std::string make_run_directory(const std::string& directory, absl::Time start, const std::string& run_id) {
  const std::string name = absl::StrCat(directory, "/offline-run-", local_time("%Y%m%d_%H%M%S", start), "-", run_id);
  std::error_code error;
  fs::create_directories(directory, error);
  std::string free = name;
  for (int i = 1; ::mkdir(free.c_str(), 0777) != 0 && errno == EEXIST; ++i) free = absl::StrCat(name, "-", i);
  complete_run_directory(free);
  return free;
}

void complete_run_directory(const std::string& run_directory) {
  std::error_code error;
  for (const char* below : {"files", "logs", "tmp"}) fs::create_directory(fs::path(run_directory) / below, error);
  if (fs::is_directory(run_directory, error)) point_latest_run_to(run_directory);
}

std::vector<std::string> files_of_run(const std::string& directory, const std::string& run_id) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path file = entry->path() / absl::StrCat("run-", run_id, ".wandb");
    std::error_code missing;
    if (entry->path().filename() != "latest-run" && fs::exists(file, missing)) files.push_back(file.string());
  }
  const auto directory_of = [](const std::string& file) { return fs::path(file).parent_path(); };
  std::sort(files.begin(), files.end(),
            [&](const std::string& a, const std::string& b) { return directory_of(a) < directory_of(b); });
  return files;
}

}  // namespace downbeat
