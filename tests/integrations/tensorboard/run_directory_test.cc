#include "integrations/tensorboard/run_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "integrations/support/machine.h"

namespace downbeat {
namespace {

TEST(RunDirectory, IsNamedAfterTheMomentAndTheMachine) {
  const std::string output_dir = absl::StrCat(::testing::TempDir(), "/run_directory");
  std::filesystem::remove_all(output_dir);
  const absl::Time time = absl::FromCivil(absl::CivilSecond(2026, 3, 4, 15, 6, 7), absl::LocalTimeZone());
  const std::string name = absl::StrCat(output_dir, "/runs/Mar04_15-06-07_", host_name());
  EXPECT_EQ(new_run_directory(output_dir, time), name);
  EXPECT_TRUE(std::filesystem::is_directory(name));
}

TEST(RunDirectory, IsAnotherOneForEachRunOfASecond) {
  const std::string output_dir = absl::StrCat(::testing::TempDir(), "/run_directories");
  std::filesystem::remove_all(output_dir);
  const std::string first = new_run_directory(output_dir, absl::UnixEpoch());
  EXPECT_EQ(new_run_directory(output_dir, absl::UnixEpoch()), first + "_2");
  EXPECT_EQ(new_run_directory(output_dir, absl::UnixEpoch()), first + "_3");
}

TEST(RunDirectory, ThatCannotBeMadeHasItsNameAllTheSame) {
  EXPECT_THAT(new_run_directory("/proc/no", absl::UnixEpoch()), ::testing::StartsWith("/proc/no/runs/"));
}

TEST(RunDirectory, IsTheChosenOneWithTheHomeForATilde) {
  setenv("HOME", "/home/somebody", 1);
  unsetenv("TENSORBOARD_LOGGING_DIR");
  EXPECT_EQ(chosen_run_directory(""), "");
  EXPECT_EQ(chosen_run_directory("~/a"), "/home/somebody/a");
  setenv("TENSORBOARD_LOGGING_DIR", "~/b", 1);
  EXPECT_EQ(chosen_run_directory(""), "/home/somebody/b");
  EXPECT_EQ(chosen_run_directory("a"), "a");
}

}  // namespace
}  // namespace downbeat
