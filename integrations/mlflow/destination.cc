#include "integrations/mlflow/destination.h"

#include <filesystem>

#include "absl/strings/str_cat.h"

namespace downbeat {
namespace {

using What = SendResult::What;

std::string status_of(const MLflowRunStart& start) { return start.is_resumed && start.owns_status ? "RUNNING" : ""; }

}  // namespace

SendResult MLflowDestination::send(const nlohmann::json& entry, PlacedRun& run) {
  if (run.id.empty()) {
    SendResult placed = place(run);
    if (placed.what != What::sent) return placed;
  }
  if (entry.contains("run")) {
    const std::string status = status_of(run.start);
    return status.empty() ? SendResult{} : set_status(run, status, 0);
  }
  if (entry.contains("log")) return log(run, entry["log"]);
  if (entry.contains("end")) return set_status(run, entry["end"].at("status"), entry["end"].at("end_time"));
  if (!entry.contains("artifact")) return {What::refused, "an entry of the spool is not understood"};

  // A relative file is the spool's own: it has done its duty.
  const std::filesystem::path named = entry["artifact"].at("file").get<std::string>();
  const std::string file = (run.directory / named).string();
  SendResult result = add_artifact(run, file, entry["artifact"].at("path"));
  std::error_code ignored;
  if (result.what == What::sent && named.is_relative()) std::filesystem::remove(file, ignored);
  return result;
}

SendResult copy_artifact(const std::string& file, const std::string& directory, const std::string& path) {
  const std::filesystem::path relative = std::filesystem::path(path).lexically_normal();
  if (relative.is_absolute() || relative.empty() || *relative.begin() == "..") {
    return {What::refused, absl::StrCat(path, " is no path of an artifact")};
  }
  const std::filesystem::path target = directory / relative;
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return {What::refused, absl::StrCat("cannot read ", file)};
  std::filesystem::create_directories(target.parent_path(), error);
  if (!error) {
    std::filesystem::copy_file(file, target, std::filesystem::copy_options::overwrite_existing, error);
  }
  if (!error) return {};
  return {What::failed, absl::StrCat("cannot write ", target.string(), ": ", error.message())};
}

}  // namespace downbeat
