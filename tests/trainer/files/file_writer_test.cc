#include "trainer/files/file_writer.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/trainer/support/files.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

using testing::content;
using testing::entries;
using testing::fresh_directory;
using testing::write;
using Names = std::vector<std::string>;

std::string bytes(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(i * 31 + i / 251);
  return text;
}

TEST(FileWriter, WritesSmallAndLargePiecesInTheirOrder) {
  const std::string path = fresh_directory() + "/file", small = bytes(100), large = bytes(20'000'000);
  FileWriter file;
  ASSERT_TRUE(file.open(path).ok());
  for (const std::string& piece : {small, large, small, small, std::string(), large}) {
    ASSERT_TRUE(file.write(piece).ok());
  }
  ASSERT_TRUE(file.finish().ok());
  EXPECT_TRUE(content(path) == small + large + small + small + large);
  EXPECT_EQ(entries(fs::path(path).parent_path()), Names{"file"});
}

TEST(FileWriter, GivesTheNameOnlyToAFinishedFile) {
  const std::string directory = fresh_directory(), path = directory + "/file";
  write(path, "earlier");
  {
    FileWriter file;
    ASSERT_TRUE(file.open(path).ok());
    ASSERT_TRUE(file.write(bytes(3'000'000)).ok());
    EXPECT_EQ(content(path), "earlier");
  }
  EXPECT_EQ(content(path), "earlier");
  EXPECT_EQ(entries(directory), Names{"file"}) << "nothing is left behind";
}

TEST(FileWriter, LeavesTheEarlierFileToWhoHasItOpen) {
  const std::string path = fresh_directory() + "/file";
  write(path, "earlier");
  std::ifstream reader(path);
  FileWriter file;
  ASSERT_TRUE(file.open(path).ok() && file.write("later").ok() && file.finish().ok());
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(reader), {}), "earlier");
  EXPECT_EQ(content(path), "later");
}

TEST(FileWriter, WritesWhatALinkLeadsTo) {
  const std::string directory = fresh_directory();
  write(directory + "/target", "earlier");
  fs::create_symlink("target", directory + "/link");
  FileWriter file;
  ASSERT_TRUE(file.open(directory + "/link").ok() && file.write("later").ok() && file.finish().ok());
  EXPECT_TRUE(fs::is_symlink(directory + "/link"));
  EXPECT_EQ(content(directory + "/target"), "later");
}

TEST(FileWriter, WritesADeviceInPlace) {
  FileWriter file;
  ASSERT_TRUE(file.open("/dev/null").ok());
  EXPECT_TRUE(file.write(bytes(3'000'000)).ok());
  EXPECT_TRUE(file.finish().ok()) << file.status();
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST(FileWriter, NamesTheFileAndTheReason) {
  const std::string directory = fresh_directory();
  FileWriter missing, folder;
  EXPECT_EQ(missing.open(directory + "/missing/file").message(),
            "cannot write " + directory + "/missing/file: No such file or directory");
  EXPECT_EQ(folder.open(directory).message(), "cannot write " + directory + ": Is a directory");
}

TEST(FileWriter, KeepsTheFirstFailureAndLeavesNothingBehind) {
  const std::string directory = fresh_directory();
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  void (*const handler)(int) = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit full_disk{4096, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &full_disk);
  FileWriter file;
  const absl::Status opened = file.open(directory + "/file");
  const absl::Status written = file.write(bytes(3'000'000));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(opened.ok());
  EXPECT_EQ(written.message(), "cannot write " + directory + "/file: File too large");
  EXPECT_EQ(file.write("more"), written);
  EXPECT_EQ(file.finish(), written);
  EXPECT_EQ(entries(directory), Names{});
}

}  // namespace
}  // namespace downbeat
