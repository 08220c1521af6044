#include "integrations/wandb/git_state.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "integrations/support/small_file.h"
#include "tests/integrations/wandb/environment_for_test.h"

namespace downbeat {
namespace {

const std::string kCommit(40, 'a');

void write(const std::string& path, const std::string& text) { ASSERT_TRUE(write_small_file(path, text).ok()); }

TEST(GitState, IsThatOfTheBranch) {
  const std::string root = empty_directory("git_branch");
  write(root + "/.git/HEAD", "ref: refs/heads/main\n");
  write(root + "/.git/refs/heads/main", kCommit + "\n");
  write(root + "/.git/config",
        "[core]\n\turl = no\n[remote \"origin\"]\n\turl = https://me:secret@git.example/a/b.git\n[remote \"x\"]\n\turl "
        "= y\n");
  std::filesystem::create_directories(root + "/below/it");
  const GitState state = git_state_of(root + "/below/it");
  EXPECT_EQ(state.commit, kCommit);
  EXPECT_EQ(state.remote, "https://git.example/a/b.git");
}

TEST(GitState, IsFoundAmongPackedBranches) {
  const std::string root = empty_directory("git_packed");
  write(root + "/.git/HEAD", "ref: refs/heads/a/b\n");
  write(root + "/.git/packed-refs",
        "# pack-refs\n" + std::string(40, 'b') + " refs/heads/a\n" + kCommit + " refs/heads/a/b\n");
  EXPECT_EQ(git_state_of(root).commit, kCommit);
  EXPECT_EQ(git_state_of(root).remote, "");
}

TEST(GitState, OfAFurtherWorkingTreeLiesInItsRepository) {
  const std::string root = empty_directory("git_worktree");
  write(root + "/main/.git/config", "[remote \"origin\"]\nurl=git@git.example:a/b.git\n");
  write(root + "/main/.git/refs/heads/other", kCommit);
  write(root + "/main/.git/worktrees/tree/HEAD", "ref: refs/heads/other\n");
  write(root + "/main/.git/worktrees/tree/commondir", "../..\n");
  write(root + "/tree/.git", "gitdir: " + root + "/main/.git/worktrees/tree\n");
  const GitState state = git_state_of(root + "/tree");
  EXPECT_EQ(state.commit, kCommit);
  EXPECT_EQ(state.remote, "git@git.example:a/b.git");
}

TEST(GitState, IsTheCommitItselfWithoutABranch) {
  const std::string root = empty_directory("git_detached");
  write(root + "/.git/HEAD", kCommit + "\n");
  EXPECT_EQ(git_state_of(root).commit, kCommit);
}

TEST(GitState, IsNothingWithoutARepository) {
  EXPECT_EQ(git_state_of("/proc").commit, "");
  const EnvironmentForTest environment{{"WANDB_DISABLE_GIT", "true"}, {"WANDB_GIT_COMMIT", "c"}};
  EXPECT_EQ(git_state().commit, "");
}

TEST(GitState, IsWhatTheEnvironmentSays) {
  const EnvironmentForTest environment{{"WANDB_GIT_COMMIT", "c"}, {"WANDB_GIT_REMOTE_URL", "https://u:p@h/r"}};
  EXPECT_EQ(git_state().commit, "c");
  EXPECT_EQ(git_state().remote, "https://h/r");
}

}  // namespace
}  // namespace downbeat
