#include "integrations/mlflow/spool_replay.h"

#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace downbeat {

using What = SendResult::What;

absl::StatusOr<MLflowRunStart> run_start_in(const std::string& spool_path) {
  std::ifstream file(spool_path);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", spool_path));
  std::string line;
  std::getline(file, line);
  try {
    return run_start_of(nlohmann::json::parse(line).at("run"));
  } catch (const nlohmann::json::exception&) {
    return absl::InvalidArgumentError(
        absl::StrCat(spool_path, " is no spool of a run, which is a file OUTPUT_DIR/mlflow/TIME-RANDOM/spool.jsonl"));
  }
}

void remove_spool(Spool& spool) {
  spool.remove();
  const std::filesystem::path directory = std::filesystem::path(spool.path()).parent_path();
  std::error_code ignored;
  std::filesystem::remove_all(directory / "artifacts", ignored);
  if (std::filesystem::remove(directory, ignored)) std::filesystem::remove(directory.parent_path(), ignored);
}

absl::StatusOr<std::unique_ptr<SpoolReplay>> SpoolReplay::open(const std::string& tracker, const std::string& path) {
  auto start = run_start_in(path);
  if (!start.ok()) return start.status();
  std::unique_ptr<SpoolReplay> replay(new SpoolReplay(tracker, path));
  if (!replay->spool_.lock()) {
    return absl::UnavailableError(absl::StrCat(path, " is in use: another program sends it"));
  }
  replay->run_ = {
      .start = std::move(*start), .directory = std::filesystem::path(path).parent_path().string(), .may_exist = true};
  return replay;
}

SendResult SpoolReplay::send_all(MLflowDestination& destination) {
  while (const std::optional<std::string> line = spool_.first()) {
    SendResult result;
    try {
      result = destination.send(nlohmann::json::parse(*line), run_);
    } catch (const std::exception& exception) {
      result = {What::refused, exception.what()};
    }
    if (result.what == What::refused && !run_.id.empty()) {
      if (refused_++ == 0) refusal_ = result.reason;
    } else if (result.what != What::sent) {
      return result;
    }
    spool_.acknowledge();
    ++sent_;
  }
  if (refused_ == 0) remove_spool(spool_);
  return {};
}

}  // namespace downbeat
