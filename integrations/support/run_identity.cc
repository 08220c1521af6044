#include "integrations/support/run_identity.h"

#include <filesystem>

#include "integrations/support/small_file.h"

namespace downbeat {
namespace {

std::string path_of(const std::string& checkpoint_directory, const std::string& tracker) {
  return checkpoint_directory + "/" + tracker + "_run.json";
}

}  // namespace

absl::Status note_run(const std::string& checkpoint_directory, const std::string& tracker,
                      const nlohmann::json& identity) {
  std::error_code error;
  if (!std::filesystem::is_directory(checkpoint_directory, error)) return absl::OkStatus();
  return write_small_file(path_of(checkpoint_directory, tracker), identity.dump() + "\n");
}

std::optional<nlohmann::json> run_of(const std::string& checkpoint_directory, const std::string& tracker) {
  const std::optional<std::string> text = read_small_file(path_of(checkpoint_directory, tracker));
  if (!text) return std::nullopt;
  nlohmann::json identity = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!identity.is_object()) return std::nullopt;
  return identity;
}

}  // namespace downbeat
