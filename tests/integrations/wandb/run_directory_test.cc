#include "integrations/wandb/run_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "integrations/support/small_file.h"
#include "tests/integrations/wandb/environment_for_test.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

const absl::Time kStart = absl::FromCivil(absl::CivilSecond(2026, 3, 4, 15, 6, 7), absl::LocalTimeZone());

TEST(WandbRunDirectory, IsNamedAsTheOfficialClientDoes) {
  const std::string directory = empty_directory("run_directory") + "/wandb";
  const std::string run = make_run_directory(directory, kStart, "abc12345");
  EXPECT_EQ(run, directory + "/offline-run-20260304_150607-abc12345");
  for (const char* below : {"files", "logs", "tmp"}) EXPECT_TRUE(fs::is_directory(fs::path(run) / below));
  EXPECT_EQ(fs::read_symlink(directory + "/latest-run"), "offline-run-20260304_150607-abc12345");
}

TEST(WandbRunDirectory, IsAnotherOneForEachRunOfASecond) {
  const std::string directory = empty_directory("run_directories");
  const std::string first = make_run_directory(directory, kStart, "a");
  EXPECT_EQ(make_run_directory(directory, kStart, "a"), first + "-1");
  EXPECT_EQ(make_run_directory(directory, kStart, "a"), first + "-2");
  EXPECT_EQ(fs::read_symlink(directory + "/latest-run"), fs::path(first + "-2").filename());
}

TEST(WandbRunDirectory, ThatCannotBeMadeHasItsNameAllTheSame) {
  EXPECT_EQ(make_run_directory("/proc/no", kStart, "a"), "/proc/no/offline-run-20260304_150607-a");
}

TEST(WandbRunDirectory, KnowsTheFilesOfARun) {
  const std::string directory = empty_directory("parts");
  for (const char* file :
       {"offline-run-1-a/run-a.wandb", "offline-run-2-a/run-a.wandb", "offline-run-3-b/run-b.wandb"}) {
    ASSERT_TRUE(write_small_file(absl::StrCat(directory, "/", file), "x").ok());
  }
  fs::create_directory_symlink("offline-run-2-a", directory + "/latest-run");
  EXPECT_THAT(files_of_run(directory, "a"), ::testing::ElementsAre(directory + "/offline-run-1-a/run-a.wandb",
                                                                   directory + "/offline-run-2-a/run-a.wandb"));
  EXPECT_THAT(files_of_run("/proc/no", "a"), ::testing::IsEmpty());
}

}  // namespace
}  // namespace downbeat
