#include "integrations/comet/comet_run_directory.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "integrations/comet/comet_archive.h"
#include "integrations/comet/comet_messages.h"
#include "integrations/support/json_text.h"
#include "integrations/support/machine.h"
#include "integrations/support/small_file.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

std::string messages_in(const std::string& directory) { return directory + "/messages.jsonl"; }
std::string experiment_in(const std::string& directory) { return directory + "/experiment.json"; }

std::string suffixed(const std::string& name) { return absl::StrCat(name, "-", random_text(6, kLetters)); }

// A directory that no other run has. Where none can be made, its name: the first line will say why.
std::string new_directory(const std::string& offline_directory, const std::string& key) {
  std::error_code ignored;
  fs::create_directories(offline_directory, ignored);
  std::string path = absl::StrCat(offline_directory, "/", key);
  while (::mkdir(path.c_str(), 0777) != 0 && errno == EEXIST)
    path = suffixed(absl::StrCat(offline_directory, "/", key));
  return path;
}

Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json experiment_json(const CometExperiment& experiment, int64_t stop_ms) {
  return {{"offline_id", experiment.key},
          {"project_name", or_null(experiment.project_name)},
          {"workspace", or_null(experiment.workspace)},
          {"start_time", experiment.start_ms},
          {"stop_time", std::max(stop_ms, experiment.start_ms)},
          {"tags", Json::array()},
          {"resume_strategy", experiment.resume_strategy},
          {"customer_error_reported", false},
          {"customer_error_message", nullptr},
          {"user_provided_experiment_key", false},
          {"comet_start_sourced", false}};
}

// Takes away the part of a line that a crash of the machine left at the end.
void cut_torn_line(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(0, std::ios::end);
  auto end = static_cast<int64_t>(file.tellg());
  const int64_t size = end;
  while (end > 0 && file.seekg(end - 1) && file.peek() != '\n') --end;
  std::error_code ignored;
  if (end < size) fs::resize_file(path, static_cast<std::uintmax_t>(end), ignored);
}

std::vector<ArchiveMember> members_of(const std::string& directory) {
  std::vector<ArchiveMember> members{{"experiment.json", experiment_in(directory)},
                                     {"messages.json", messages_in(directory)}};
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory + "/assets", error)) {
    const std::string name = entry.path().filename().string();
    members.push_back({"assets/" + name, entry.path().string(), /*is_compressed=*/false});
  }
  std::sort(members.begin() + 2, members.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return members;
}

// Moves the archive to its place without taking another one's.
absl::StatusOr<std::string> put_in_place(const std::string& archive, const std::string& stem) {
  for (std::string path = stem + ".zip";; path = suffixed(stem) + ".zip") {
    if (::link(archive.c_str(), path.c_str()) == 0) return path;
    if (errno == EEXIST) continue;
    if (!fs::exists(path) && ::rename(archive.c_str(), path.c_str()) == 0) return path;  // no links here
    return absl::UnavailableError(absl::StrCat(path, " cannot be made: ", std::strerror(errno)));
  }
}

absl::StatusOr<std::string> zip_directory(const std::string& directory, const std::string& key, bool is_named_anew) {
  const std::string archive = directory + "/archive.zip";
  if (absl::Status status = write_archive(archive, members_of(directory)); !status.ok()) return status;
  const std::string stem = (fs::path(directory).parent_path() / key).string();
  absl::StatusOr<std::string> path = put_in_place(archive, is_named_anew ? suffixed(stem) : stem);
  if (!path.ok()) return path;
  std::error_code ignored;
  fs::remove(experiment_in(directory), ignored);  // first: without it nobody zips the directory again
  fs::remove_all(directory, ignored);
  return path;
}

// Nothing where the directory is no run, or one whose program lives.
std::optional<absl::StatusOr<std::string>> zip_left_over_run(const std::string& directory) {
  std::error_code error;
  if (!fs::exists(messages_in(directory), error) || !fs::exists(experiment_in(directory), error)) return std::nullopt;
  Spool spool("Comet", messages_in(directory));
  if (!spool.lock()) return std::nullopt;
  const std::optional<std::string> text = read_small_file(experiment_in(directory));
  if (!text) return std::nullopt;  // zipped meanwhile
  Json experiment = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!experiment.is_object() || !experiment.value("offline_id", Json()).is_string()) {
    return absl::DataLossError(experiment_in(directory) + " is damaged");
  }
  cut_torn_line(messages_in(directory));
  struct stat about{};
  if (::stat(messages_in(directory).c_str(), &about) == 0) {
    experiment["stop_time"] =
        std::max(experiment.value("start_time", int64_t{0}), static_cast<int64_t>(about.st_mtime) * 1000);
  }
  if (absl::Status status = write_small_file(experiment_in(directory), json_line(experiment)); !status.ok())
    return status;
  return zip_directory(directory, experiment["offline_id"], experiment.value("resume_strategy", "create") != "create");
}

}  // namespace

CometRunDirectory::CometRunDirectory(std::string offline_directory, CometExperiment experiment)
    : offline_directory_(std::move(offline_directory)),
      path_(new_directory(offline_directory_, experiment.key)),
      experiment_(std::move(experiment)),
      spool_(std::make_unique<Spool>("Comet", messages_in(path_))) {}

bool CometRunDirectory::append(const Json& message, int64_t values) {
  const bool is_kept = spool_->append(json_line(message), values);
  if (is_kept) write_experiment();
  return is_kept;
}

// After the first line, that is after the lock: what is without it is never taken for left over.
void CometRunDirectory::write_experiment() {
  if (has_experiment_file_) return;
  const std::lock_guard guard(mutex_);
  has_experiment_file_ = write_experiment(experiment_.start_ms).ok();
}

absl::Status CometRunDirectory::write_experiment(int64_t stop_ms) const {
  return write_small_file(experiment_in(path_), json_line(experiment_json(experiment_, stop_ms)));
}

absl::Status CometRunDirectory::add_asset(const std::string& path, const std::string& name, int64_t step,
                                          int64_t time_ms) {
  const CometAsset asset{absl::StrCat("assets/", ++assets_), name, random_hex(32), step};
  const std::string kept = absl::StrCat(path_, "/", asset.member);
  std::error_code error;
  fs::create_directories(path_ + "/assets", error);
  const fs::path file =
      fs::canonical(path, error);  // not a link to it, which may point elsewhere from the other folder
  if (!error) fs::create_hard_link(file, kept, error);
  if (error) fs::copy_file(path, kept, error);
  if (!error && append(comet_asset(asset, time_ms))) return absl::OkStatus();
  std::error_code ignored;
  fs::remove(kept, ignored);
  return absl::UnavailableError(absl::StrCat(path, " cannot be kept: ", error ? error.message() : "see above"));
}

void CometRunDirectory::set_key(const std::string& key) {
  const std::lock_guard guard(mutex_);
  if (std::exchange(experiment_.key, key) != key) static_cast<void>(write_experiment(experiment_.start_ms));
}

std::string CometRunDirectory::key() const {
  const std::lock_guard guard(mutex_);
  return experiment_.key;
}

absl::StatusOr<std::string> CometRunDirectory::zip(int64_t stop_ms) {
  std::error_code error;
  if (fs::file_size(messages_in(path_), error) == 0 || error) {
    remove();
    return "";
  }
  const std::lock_guard guard(mutex_);
  if (absl::Status status = write_experiment(stop_ms); !status.ok()) return status;
  return zip_directory(path_, experiment_.key, experiment_.resume_strategy != "create");
}

void CometRunDirectory::remove() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

ZippedRuns zip_left_over_runs(const std::string& offline_directory) {
  ZippedRuns runs;
  std::vector<std::string> directories;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(offline_directory, error))
    directories.push_back(entry.path().string());
  std::sort(directories.begin(), directories.end());
  for (const std::string& directory : directories) {
    const auto archive = zip_left_over_run(directory);
    if (!archive) continue;
    if (archive->ok()) runs.archives.push_back(**archive);
    if (!archive->ok()) runs.failures.push_back(std::string(archive->status().message()));
  }
  return runs;
}

}  // namespace downbeat
