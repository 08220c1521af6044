// Which commit of which repository the current directory belongs to, read from the files of git.
#pragma once

#include <filesystem>
#include <string>

namespace downbeat {

struct GitState {
  std::string commit = {};  // empty: no repository, or one without a commit
  std::string remote = {};  // URL of `origin`, without user info
};

GitState git_state_of(const std::filesystem::path& directory);

// That of the current directory, or what WANDB_GIT_COMMIT and WANDB_GIT_REMOTE_URL say; nothing with WANDB_DISABLE_GIT.
GitState git_state();

}  // namespace downbeat
