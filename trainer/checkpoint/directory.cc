#include "trainer/checkpoint/directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "trainer/files/file_writer.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

constexpr char kPrefix[] = "checkpoint-";

absl::Status cannot(absl::string_view verb, const std::string& path, const std::string& reason) {
  return absl::UnavailableError(absl::StrCat("cannot ", verb, " ", path, ": ", reason));
}
absl::Status cannot(absl::string_view verb, const std::string& path) {
  return cannot(verb, path, std::strerror(errno));
}

// A directory's entries are on disk only after the directory itself is synchronised.
absl::Status sync_directory(const std::string& directory) {
  const int file = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return cannot("open", directory);
  const bool failed = ::fsync(file) != 0 && errno != EINVAL;  // some file systems do not offer it
  const absl::Status status = failed ? cannot("write", directory) : absl::OkStatus();
  ::close(file);
  return status;
}

// Beside the checkpoint and hidden: neither HuggingFace's rotation nor ours takes it for a checkpoint.
std::string hidden_sibling(const std::string& directory, const char* what) {
  const fs::path path(directory);
  return (path.parent_path() / absl::StrCat(".", what, "-", path.filename().string())).string();
}

absl::Status take_the_name(const std::string& written, const std::string& directory) {
  if (!fs::exists(directory)) {
    return std::rename(written.c_str(), directory.c_str()) == 0 ? absl::OkStatus() : cannot("rename", written);
  }
  // A step can be saved twice. The two names are exchanged in one step where the file system can do that.
  if (::renameat2(AT_FDCWD, written.c_str(), AT_FDCWD, directory.c_str(), RENAME_EXCHANGE) == 0)
    return absl::OkStatus();
  const std::string replaced = hidden_sibling(directory, "replaced");
  std::error_code ignored;
  fs::remove_all(replaced, ignored);
  if (std::rename(directory.c_str(), replaced.c_str()) != 0) return cannot("rename", directory);
  if (std::rename(written.c_str(), directory.c_str()) != 0) {
    const absl::Status status = cannot("rename", written);
    static_cast<void>(std::rename(replaced.c_str(), directory.c_str()));
    return status;
  }
  fs::remove_all(replaced, ignored);
  return absl::OkStatus();
}

struct Found {
  int64_t step;
  timespec modified;
};

std::vector<Found> find_checkpoints(const std::string& output_dir) {
  std::vector<Found> found;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(output_dir, ignored)) {
    const std::optional<int64_t> step = checkpoint_step(entry.path().string());
    struct stat status;
    if (!step || ::stat(entry.path().c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) continue;
    found.push_back({*step, status.st_mtim});
  }
  return found;
}

// First out of the way by one rename, so that a crash never leaves half of a checkpoint under its name.
absl::Status delete_checkpoint(const std::string& output_dir, int64_t step) {
  const std::string directory = checkpoint_directory(output_dir, step);
  const std::string deleted = hidden_sibling(directory, "deleting");
  std::error_code error;
  fs::remove_all(deleted, error);
  if (std::rename(directory.c_str(), deleted.c_str()) != 0) return cannot("delete", directory);
  fs::remove_all(deleted, error);
  return error ? cannot("delete", deleted, error.message()) : absl::OkStatus();
}

}  // namespace

std::string checkpoint_directory(const std::string& output_dir, int64_t step) {
  return (fs::path(output_dir) / absl::StrCat(kPrefix, step)).string();
}

std::optional<int64_t> checkpoint_step(const std::string& directory) {
  const std::string name = fs::path(directory).filename().string();
  int64_t step = 0;
  const bool is_number = name.rfind(kPrefix, 0) == 0 && absl::SimpleAtoi(name.substr(std::strlen(kPrefix)), &step);
  // Only names that a checkpoint of that step would get: not checkpoint-007, checkpoint--7 or "checkpoint- 7".
  return is_number && step >= 0 && name == absl::StrCat(kPrefix, step) ? std::optional(step) : std::nullopt;
}

absl::Status create_directories(const std::string& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return cannot("create the directory", directory, error.message());
  if (::access(directory.c_str(), W_OK) != 0) return cannot("write to", directory);
  return absl::OkStatus();
}

absl::Status write_file(const std::string& path, absl::string_view content) {
  return write_file(path, std::vector<absl::string_view>{content});
}

absl::Status write_file(const std::string& path, const std::vector<absl::string_view>& parts) {
  FileWriter file;
  if (absl::Status status = file.open(path); !status.ok()) return status;
  for (const absl::string_view part : parts) {
    if (absl::Status status = file.write(part); !status.ok()) return status;
  }
  return file.finish();
}

absl::Status write_directory(const std::string& directory,
                             const std::function<absl::Status(const std::string&)>& write) {
  const std::string written = hidden_sibling(directory, "writing");
  std::error_code ignored;
  fs::remove_all(written, ignored);  // left by a crash, or by the exchange below
  const auto remove = absl::MakeCleanup([&] { fs::remove_all(written, ignored); });
  if (absl::Status status = create_directories(written); !status.ok()) return status;
  if (absl::Status status = write(written); !status.ok()) return status;
  if (absl::Status status = sync_directory(written); !status.ok()) return status;
  if (absl::Status status = take_the_name(written, directory); !status.ok()) return status;
  return sync_directory(fs::path(directory).has_parent_path() ? fs::path(directory).parent_path().string() : ".");
}

absl::Status clean_up_checkpoints(const std::string& output_dir) {
  std::error_code error;
  std::vector<fs::path> left;
  for (const fs::directory_entry& entry : fs::directory_iterator(output_dir, error)) {
    const std::string name = entry.path().filename().string();
    const auto is = [&](const char* what) { return absl::StartsWith(name, absl::StrCat(".", what, "-", kPrefix)); };
    if (is("writing") || is("deleting") || is("replaced")) left.push_back(entry.path());
  }
  for (const fs::path& path : left) {
    const std::string name = path.filename().string();
    const fs::path checkpoint = path.parent_path() / name.substr(name.find('-') + 1);
    // Where two names cannot be exchanged in one step, this is for a moment the only whole one.
    const bool is_needed = absl::StartsWith(name, ".replaced") && !fs::exists(checkpoint);
    is_needed ? fs::rename(path, checkpoint, error) : void(fs::remove_all(path, error));
    if (error) return cannot(is_needed ? "rename" : "delete", path.string(), error.message());
  }
  return absl::OkStatus();
}

std::vector<int64_t> list_checkpoints(const std::string& output_dir) {
  std::vector<Found> found = find_checkpoints(output_dir);
  const auto seconds = [](const Found& f) {
    return static_cast<double>(f.modified.tv_sec) + 1e-9 * static_cast<double>(f.modified.tv_nsec);
  };
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.step < b.step; });
  const auto by_time = [&](const Found& a, const Found& b) { return seconds(a) < seconds(b); };
  const auto [first, last] = std::minmax_element(found.begin(), found.end(), by_time);
  if (!found.empty() && seconds(*last) - seconds(*first) >= 1.0) {
    std::stable_sort(found.begin(), found.end(), by_time);
  }
  std::vector<int64_t> steps;
  for (const Found& checkpoint : found) steps.push_back(checkpoint.step);
  return steps;
}

absl::Status rotate_checkpoints(const std::string& output_dir, std::optional<int64_t> save_total_limit,
                                std::optional<int64_t> best_step) {
  if (save_total_limit.value_or(0) <= 0) return absl::OkStatus();
  const std::vector<int64_t> steps = list_checkpoints(output_dir);
  const auto limit = static_cast<std::size_t>(*save_total_limit);
  if (steps.size() <= limit) return absl::OkStatus();
  const auto is_protected = [&](int64_t step) { return step == steps.back() || step == best_step; };
  const auto protected_ones = static_cast<std::size_t>(std::count_if(steps.begin(), steps.end(), is_protected));
  std::size_t remaining = steps.size();
  for (const int64_t step : steps) {
    if (remaining <= std::max(limit, protected_ones)) break;
    if (is_protected(step)) continue;
    if (absl::Status status = delete_checkpoint(output_dir, step); !status.ok()) return status;
    --remaining;
  }
  return absl::OkStatus();
}

absl::Status keep_only_checkpoint(const std::string& output_dir, int64_t kept) {
  for (const int64_t step : list_checkpoints(output_dir)) {
    if (step == kept) continue;
    if (absl::Status status = delete_checkpoint(output_dir, step); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace downbeat
