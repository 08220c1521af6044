#include "integrations/support/run_identity.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <filesystem>

#include "callbacks/vocabulary/message.h"
#include "integrations/support/small_file.h"

namespace downbeat {
namespace {

constexpr char kEnd[] = "_run.json";

std::string path_of(const std::string& checkpoint_directory, const std::string& name) {
  return checkpoint_directory + "/" + name + kEnd;
}

}  // namespace

void note_run(const std::string& tracker, const std::string& checkpoint_directory, const std::string& name,
              const nlohmann::json& identity) {
  std::error_code error;
  if (!std::filesystem::is_directory(checkpoint_directory, error)) return;
  const absl::Status status = write_small_file(path_of(checkpoint_directory, name), identity.dump() + "\n");
  if (status.ok()) return;
  warn(absl::StrCat(tracker, ": a training that is resumed from ", checkpoint_directory,
                    " will begin a new run: ", status.message()));
}

bool is_run_identity(const std::string& path) { return absl::EndsWith(path, kEnd); }

std::optional<nlohmann::json> run_of(const std::string& checkpoint_directory, const std::string& name) {
  const std::optional<std::string> text = read_small_file(path_of(checkpoint_directory, name));
  if (!text) return std::nullopt;
  nlohmann::json identity = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!identity.is_object()) return std::nullopt;
  return identity;
}

}  // namespace downbeat
