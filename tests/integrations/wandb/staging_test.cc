#include "integrations/wandb/staging.h"

#include <absl/strings/escaping.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "integrations/support/small_file.h"
#include "tests/integrations/wandb/environment_for_test.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

bool all(const std::string&) { return true; }

TEST(Staging, KeepsFilesThatAreDeletedLater) {
  const std::string directory = empty_directory("staging");
  ASSERT_TRUE(write_small_file(directory + "/checkpoint/model.safetensors", "weights").ok());
  ASSERT_TRUE(write_small_file(directory + "/checkpoint/below/more.txt", "").ok());
  const StagedFiles files = link_files(directory + "/checkpoint", directory + "/run/artifacts/1", all);
  fs::remove_all(directory + "/checkpoint");
  ASSERT_TRUE(copy_rest(files).ok());
  const auto contents = contents_of(files.directory);
  ASSERT_TRUE(contents.ok()) << contents.status();
  ASSERT_EQ(contents->size(), 2U);
  EXPECT_EQ((*contents)[0].path, "below/more.txt");
  EXPECT_EQ((*contents)[0].size, 0);
  EXPECT_EQ((*contents)[1].path, "model.safetensors");
  EXPECT_EQ((*contents)[1].size, 7);
  EXPECT_EQ((*contents)[1].local_path, directory + "/run/artifacts/1/model.safetensors");
  EXPECT_EQ(absl::BytesToHexString((*contents)[1].md5), "63f4f1e9b725370f459720575cd5f953");
}

TEST(Staging, CopiesWhatCannotBeLinked) {
  const std::string directory = empty_directory("staging_copy");
  ASSERT_TRUE(write_small_file(directory + "/elsewhere", "target").ok());
  fs::create_directory(directory + "/checkpoint");
  fs::create_symlink(directory + "/elsewhere", directory + "/checkpoint/link");
  const StagedFiles files = link_files(directory + "/checkpoint", directory + "/staged", all);
  EXPECT_THAT(files.to_copy, ::testing::ElementsAre("link"));
  ASSERT_TRUE(copy_rest(files).ok());
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(directory + "/staged/link")));
  fs::remove_all(directory + "/staged");
  fs::remove_all(directory + "/checkpoint");
  EXPECT_FALSE(copy_rest(files).ok());
}

TEST(Staging, LeavesOutWhatIsNotWantedOrNotComplete) {
  const std::string directory = empty_directory("staging_wanted");
  for (const char* name : {"model.safetensors", "optimizer.pt", "mlflow_run.json.writing-17"}) {
    ASSERT_TRUE(write_small_file(directory + "/checkpoint/" + name, name).ok());
  }
  link_files(directory + "/checkpoint", directory + "/staged",
             [](const std::string& path) { return path != "optimizer.pt"; });
  const auto contents = contents_of(directory + "/staged");
  ASSERT_TRUE(contents.ok());
  ASSERT_EQ(contents->size(), 1U);
  EXPECT_EQ((*contents)[0].path, "model.safetensors");
}

TEST(Staging, SaysWhatIsMissing) {
  const std::string directory = empty_directory("staging_empty");
  EXPECT_EQ(contents_of(directory).status().message(), "there are no files in " + directory);
  EXPECT_FALSE(contents_of(directory + "/no").ok());
}

}  // namespace
}  // namespace downbeat
