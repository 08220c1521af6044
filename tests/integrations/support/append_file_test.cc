#include "integrations/support/append_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "callbacks/vocabulary/message.h"
#include "integrations/support/small_file.h"

namespace downbeat {
namespace {

using testing::HasSubstr;

std::string fresh(const std::string& name) {
  const std::string path = testing::TempDir() + "/append_file/" + name;
  std::filesystem::remove_all(path);
  return path;
}

// A file may not grow beyond `bytes` while this lives: a disk that is full.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~SmallDisk() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST(AppendFile, MakesTheDirectoriesAndAppends) {
  const std::string path = fresh("a") + "/b/c";
  AppendFile file("Test", path);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(file.append("one "));
  EXPECT_TRUE(file.append("two"));
  EXPECT_EQ(read_small_file(path), "one two");
  EXPECT_EQ(file.size(), 7);
}

TEST(AppendFile, KeepsWholeRecordsOnlyOnAFullDiskAndCountsTheRest) {
  const std::string path = fresh("full");
  const ScopedMessageCapture messages;
  AppendFile file("Test", path, {.retry_every = absl::ZeroDuration()});
  {
    const SmallDisk disk(10);
    EXPECT_TRUE(file.append("12345678", 3));
    EXPECT_FALSE(file.append("abcdefgh", 5));  // two of its bytes have room
    EXPECT_FALSE(file.append("ABCDEFGH", 7));
  }
  EXPECT_EQ(read_small_file(path), "12345678");
  EXPECT_TRUE(file.append("there is room again", 2));
  EXPECT_EQ(read_small_file(path), "12345678there is room again");
  EXPECT_EQ(file.lost(), 12);
  file.report_lost();
  ASSERT_EQ(messages.lines().size(), 2U);
  EXPECT_THAT(messages.lines()[0], HasSubstr(path + " cannot be written: File too large; training goes on"));
  EXPECT_THAT(messages.lines()[1], HasSubstr("12 values could not be kept in " + path));
}

TEST(AppendFile, DoesNotTryAgainAtOnce) {
  const ScopedMessageCapture messages;
  AppendFile file("Test", "/dev/full", {.retry_every = absl::Hours(1)});
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(file.append("record", 1));
  EXPECT_EQ(file.lost(), 10);
  EXPECT_EQ(messages.lines().size(), 1U);
}

TEST(AppendFile, SaysADirectoryThatCannotBeMade) {
  const ScopedMessageCapture messages;
  AppendFile file("Test", "/proc/nothing/here/file");
  EXPECT_FALSE(file.append("record", 1));
  EXPECT_THAT(messages.text(), HasSubstr("Test: /proc/nothing/here/file cannot be written: "));
}

TEST(AppendFile, LeavesAFileAloneThatMustBeNew) {
  const std::string path = fresh("new");
  ASSERT_TRUE(write_small_file(path, "old").ok());
  const ScopedMessageCapture messages;
  AppendFile file("Test", path, {.must_be_new = true});
  EXPECT_FALSE(file.append("record"));
  EXPECT_EQ(read_small_file(path), "old");
}

}  // namespace
}  // namespace downbeat
