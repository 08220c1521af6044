#include "integrations/wandb/git_state.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include <optional>
#include <utility>

#include "integrations/support/environment.h"
#include "integrations/support/secrets.h"
#include "integrations/support/small_file.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

std::string line_in(const fs::path& file) {
  return std::string(absl::StripAsciiWhitespace(read_small_file(file.string()).value_or("")));
}

// .git, or where the file .git of a further working tree points.
std::optional<fs::path> git_directory_of(fs::path directory) {
  std::error_code error;
  while (true) {
    const fs::path git = directory / ".git";
    if (fs::is_directory(git, error)) return git;
    if (fs::is_regular_file(git, error)) {
      const std::string line = line_in(git);
      absl::string_view path = line;
      if (absl::ConsumePrefix(&path, "gitdir: ")) return directory / std::string(path);
    }
    if (directory == directory.parent_path()) return std::nullopt;
    directory = directory.parent_path();
  }
}

// Where branches and the configuration lie: of a further working tree in the repository it belongs to.
fs::path common_directory_of(const fs::path& git) {
  const std::string line = line_in(git / "commondir");
  return line.empty() ? git : git / line;
}

std::string packed_commit_of(const fs::path& common, const std::string& branch) {
  const std::string packed = read_small_file((common / "packed-refs").string()).value_or("");
  for (const absl::string_view line : absl::StrSplit(packed, '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(' ', 1));
    if (parts.second == branch) return std::string(parts.first);
  }
  return "";
}

std::string commit_of(const fs::path& git, const fs::path& common) {
  const std::string head = line_in(git / "HEAD");
  absl::string_view branch = head;
  if (!absl::ConsumePrefix(&branch, "ref: ")) return head;
  const std::string commit = line_in(common / std::string(branch));
  return commit.empty() ? packed_commit_of(common, std::string(branch)) : commit;
}

// Addresses like git@host:path hold no secret.
std::string shown(const std::string& url) { return absl::StrContains(url, "://") ? without_credentials(url) : url; }

std::string origin_of(const fs::path& common) {
  const std::string config = read_small_file((common / "config").string()).value_or("");
  bool is_origin = false;
  for (absl::string_view line : absl::StrSplit(config, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (absl::StartsWith(line, "[")) is_origin = line == "[remote \"origin\"]";
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits('=', 1));
    if (is_origin && absl::StripAsciiWhitespace(parts.first) == "url") {
      return shown(std::string(absl::StripAsciiWhitespace(parts.second)));
    }
  }
  return "";
}

}  // namespace

GitState git_state_of(const fs::path& directory) {
  const std::optional<fs::path> git = git_directory_of(directory);
  if (!git) return {};
  const fs::path common = common_directory_of(*git);
  return {.commit = commit_of(*git, common), .remote = origin_of(common)};
}

GitState git_state() {
  if (is_environment_true("WANDB_DISABLE_GIT")) return {};
  std::error_code error;
  GitState state = git_state_of(fs::current_path(error));
  state.commit = environment_variable("WANDB_GIT_COMMIT", state.commit);
  state.remote = shown(environment_variable("WANDB_GIT_REMOTE_URL", state.remote));
  return state;
}

}  // namespace downbeat
