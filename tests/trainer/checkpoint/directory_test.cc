#include "trainer/checkpoint/directory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/trainer/support/files.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

using testing::content;
using testing::entries;
using testing::fresh_directory;
using testing::write;
using Names = std::vector<std::string>;
using Steps = std::vector<int64_t>;

// While it lives no file grows beyond `bytes`: what a full disk looks like to who writes.
class LimitedFileSize {
 public:
  explicit LimitedFileSize(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &now);
  }
  ~LimitedFileSize() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  LimitedFileSize(const LimitedFileSize&) = delete;
  LimitedFileSize& operator=(const LimitedFileSize&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_;
};

absl::Status write_checkpoint(const std::string& output, int64_t step, const std::string& weights) {
  return write_directory(checkpoint_directory(output, step),
                         [&](const std::string& directory) { return write_file(directory + "/weights", weights); });
}

TEST(CheckpointDirectory, IsNamedAfterItsStepAndStaysRelative) {
  EXPECT_EQ(checkpoint_directory("runs/a", 10), "runs/a/checkpoint-10");
  EXPECT_EQ(checkpoint_directory("runs/a/", 10), "runs/a/checkpoint-10");
}

TEST(CheckpointStep, IsTheNumberInTheNameAndNothingForAnyOtherName) {
  EXPECT_EQ(checkpoint_step("runs/a/checkpoint-10"), 10);
  EXPECT_EQ(checkpoint_step("checkpoint-0"), 0);
  for (const char* name : {"", "checkpoint-", "checkpoint-x", "checkpoint-10-old", "my-checkpoint-10", "checkpoint--5",
                           "checkpoint-+5", "checkpoint- 5", "checkpoint-99999999999999999999", "checkpoint-007"}) {
    EXPECT_EQ(checkpoint_step(name), std::nullopt) << name;
  }
}

TEST(CreateDirectories, CreatesParentsAndIsContentWhenAllIsThere) {
  const std::string path = fresh_directory() + "/a/b";
  EXPECT_TRUE(create_directories(path).ok());
  EXPECT_TRUE(create_directories(path).ok());
  EXPECT_TRUE(fs::is_directory(path));
}

TEST(CreateDirectories, NamesThePathThatCannotBe) {
  const std::string file = fresh_directory() + "/file";
  write(file, "not a folder");
  EXPECT_EQ(create_directories(file + "/runs").message(),
            "cannot create the directory " + file + "/runs: Not a directory");
}

TEST(WriteFile, ReplacesWhatWasThereByAllParts) {
  const std::string path = fresh_directory() + "/file";
  write(path, "something longer than what comes");
  EXPECT_TRUE(write_file(path, {"one", "", " two"}).ok());
  EXPECT_EQ(content(path), "one two");
}

TEST(WriteFile, NamesTheFileAndTheReason) {
  const std::string path = fresh_directory() + "/missing/file";
  EXPECT_EQ(write_file(path, "text").message(), "cannot write " + path + ": No such file or directory");
}

TEST(WriteDirectory, GivesTheNameToACompleteDirectoryAndLeavesNothingElse) {
  const std::string output = fresh_directory();
  EXPECT_TRUE(write_checkpoint(output + "/new/folders", 5, "five").ok());
  EXPECT_EQ(content(output + "/new/folders/checkpoint-5/weights"), "five");
  EXPECT_EQ(entries(output + "/new/folders"), (Names{"checkpoint-5"}));
}

TEST(WriteDirectory, TakesAPathWithoutAParent) {
  const fs::path before = fs::current_path();
  const std::string output = fresh_directory();
  fs::current_path(output);
  const absl::Status status = write_directory(
      "checkpoint-5", [](const std::string& directory) { return write_file(directory + "/weights", "five"); });
  fs::current_path(before);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(entries(output), (Names{"checkpoint-5"}));
}

TEST(WriteDirectory, ReplacesTheCheckpointOfAStepThatIsSavedTwice) {
  const std::string output = fresh_directory();
  ASSERT_TRUE(write_checkpoint(output, 5, "first").ok());
  write(output + "/checkpoint-5/of_the_first", "");
  EXPECT_TRUE(write_checkpoint(output, 5, "second").ok());
  EXPECT_EQ(content(output + "/checkpoint-5/weights"), "second");
  EXPECT_EQ(entries(output + "/checkpoint-5"), (Names{"weights"}));
  EXPECT_EQ(entries(output), (Names{"checkpoint-5"}));
}

TEST(WriteDirectory, LeavesThePreviousOneWholeAndNothingBehindWhenItFailsInTheMiddle) {
  const std::string output = fresh_directory();
  ASSERT_TRUE(write_checkpoint(output, 5, "first").ok());
  const absl::Status status = write_directory(output + "/checkpoint-5", [](const std::string& directory) {
    EXPECT_TRUE(write_file(directory + "/weights", "half").ok());
    return absl::UnavailableError("no more");
  });
  EXPECT_EQ(status.message(), "no more");
  EXPECT_EQ(content(output + "/checkpoint-5/weights"), "first");
  EXPECT_EQ(entries(output), (Names{"checkpoint-5"}));
}

TEST(WriteDirectory, LeavesNothingBehindWhenWritingThrows) {
  const std::string output = fresh_directory();
  const auto write_half = [](const std::string& directory) -> absl::Status {
    EXPECT_TRUE(write_file(directory + "/weights", "half").ok());
    throw std::runtime_error("out of memory");
  };
  EXPECT_THROW(static_cast<void>(write_directory(output + "/checkpoint-5", write_half)), std::runtime_error);
  EXPECT_EQ(entries(output), Names{});
}

TEST(WriteDirectory, CleansUpWhatACrashLeft) {
  const std::string output = fresh_directory();
  fs::create_directories(output + "/.writing-checkpoint-5");
  write(output + "/.writing-checkpoint-5/half", "");
  EXPECT_TRUE(write_checkpoint(output, 5, "five").ok());
  EXPECT_EQ(entries(output), (Names{"checkpoint-5"}));
  EXPECT_EQ(entries(output + "/checkpoint-5"), (Names{"weights"}));
}

TEST(WriteDirectory, SaysInOneSentenceThatTheOutputDirectoryCannotBe) {
  const std::string file = fresh_directory() + "/file";
  write(file, "not a folder");
  EXPECT_EQ(write_checkpoint(file, 5, "five").message(),
            "cannot create the directory " + file + "/.writing-checkpoint-5: Not a directory");
  EXPECT_EQ(content(file), "not a folder");
}

TEST(WriteDirectory, SaysInOneSentenceThatTheDiskIsFullAndKeepsTheLastGoodCheckpoint) {
  const std::string output = fresh_directory();
  ASSERT_TRUE(write_checkpoint(output, 5, "first").ok());
  absl::Status another, same;
  {
    const LimitedFileSize limit(4096);
    another = write_checkpoint(output, 10, std::string(10000, 'x'));
    same = write_checkpoint(output, 5, std::string(10000, 'x'));
  }
  EXPECT_EQ(another.message(), "cannot write " + output + "/.writing-checkpoint-10/weights: File too large");
  EXPECT_FALSE(same.ok());
  EXPECT_EQ(content(output + "/checkpoint-5/weights"), "first");
  EXPECT_EQ(entries(output), (Names{"checkpoint-5"}));
}

// Modified `seconds` after the first of them.
void make_checkpoint(const std::string& output, int64_t step, double seconds) {
  const std::string directory = checkpoint_directory(output, step);
  fs::create_directories(directory);
  const timespec time{static_cast<time_t>(1000000000 + seconds), 0};
  const std::array<timespec, 2> times = {time, time};
  ASSERT_EQ(utimensat(AT_FDCWD, directory.c_str(), times.data(), 0), 0);
}

std::string output_with(const Steps& steps) {
  const std::string output = fresh_directory();
  for (const int64_t step : steps) make_checkpoint(output, step, 0);
  return output;
}

TEST(ListCheckpoints, GoByStepWhenAllAreOfOneSecondAndByTimeOtherwise) {
  const std::string output = fresh_directory();
  make_checkpoint(output, 5, 0);
  make_checkpoint(output, 20, 0);
  make_checkpoint(output, 10, 0);
  EXPECT_EQ(list_checkpoints(output), (Steps{5, 10, 20}));
  make_checkpoint(output, 5, 30);
  make_checkpoint(output, 10, 60);
  EXPECT_EQ(list_checkpoints(output), (Steps{20, 5, 10}));
}

TEST(ListCheckpoints, KnowNeitherFilesNorOtherNamesNorAMissingFolder) {
  const std::string output = output_with({5});
  write(output + "/checkpoint-7", "a file");
  fs::create_directories(output + "/checkpoint-best");
  fs::create_directories(output + "/.writing-checkpoint-9");
  EXPECT_EQ(list_checkpoints(output), (Steps{5}));
  EXPECT_EQ(list_checkpoints(output + "/missing"), Steps{});
}

TEST(RotateCheckpoints, DeletesTheOldestBeyondTheLimit) {
  const std::string output = output_with({5, 10, 15, 20});
  EXPECT_TRUE(rotate_checkpoints(output, 2, std::nullopt).ok());
  EXPECT_EQ(list_checkpoints(output), (Steps{15, 20}));
}

TEST(RotateCheckpoints, DeletesNothingWithoutALimit) {
  const std::string output = output_with({5, 10, 15});
  EXPECT_TRUE(rotate_checkpoints(output, std::nullopt, std::nullopt).ok());
  EXPECT_TRUE(rotate_checkpoints(output, 0, std::nullopt).ok());
  EXPECT_TRUE(rotate_checkpoints(output, -1, std::nullopt).ok());
  EXPECT_TRUE(rotate_checkpoints(output, 3, std::nullopt).ok());
  EXPECT_EQ(list_checkpoints(output), (Steps{5, 10, 15}));
}

TEST(RotateCheckpoints, KeepTheBestInPlaceOfANewerOne) {
  const std::string output = output_with({5, 10, 15, 20});
  EXPECT_TRUE(rotate_checkpoints(output, 2, 5).ok());
  EXPECT_EQ(list_checkpoints(output), (Steps{5, 20}));
}

TEST(RotateCheckpoints, KeepTwoWithALimitOfOneWhenTheBestIsNotTheNewest) {
  const std::string output = output_with({5, 10, 15});
  EXPECT_TRUE(rotate_checkpoints(output, 1, 5).ok());
  EXPECT_EQ(list_checkpoints(output), (Steps{5, 15}));
  EXPECT_TRUE(rotate_checkpoints(output, 1, 15).ok());
  EXPECT_EQ(list_checkpoints(output), (Steps{15}));
}

TEST(RotateCheckpoints, TakeTheNewestByTimeForTheOneToGoOnFrom) {
  const std::string output = fresh_directory();
  make_checkpoint(output, 100, 0);  // of an earlier run
  make_checkpoint(output, 5, 60);
  make_checkpoint(output, 10, 120);
  EXPECT_TRUE(rotate_checkpoints(output, 2, std::nullopt).ok());
  EXPECT_EQ(list_checkpoints(output), (Steps{5, 10}));
}

TEST(RotateCheckpoints, DeleteWhatLiesInsideToo) {
  const std::string output = output_with({5, 10});
  fs::create_directories(output + "/checkpoint-5/deep");
  write(output + "/checkpoint-5/deep/file", "text");
  make_checkpoint(output, 5, 0);
  EXPECT_TRUE(rotate_checkpoints(output, 1, std::nullopt).ok());
  EXPECT_EQ(entries(output), (Names{"checkpoint-10"}));
}

TEST(KeepOnlyCheckpoint, DeletesTheOthersNewerOnesToo) {
  const std::string output = output_with({5, 10, 15});
  write(output + "/notes.txt", "mine");
  EXPECT_TRUE(keep_only_checkpoint(output, 10).ok());
  EXPECT_EQ(entries(output), (Names{"checkpoint-10", "notes.txt"}));
}

TEST(CleanUpCheckpoints, DeletesWhatAKilledRunLeftHalfWrittenOrHalfDeleted) {
  const std::string output = output_with({5});
  for (const char* name : {".writing-checkpoint-10", ".deleting-checkpoint-4", ".replaced-checkpoint-5", ".mine"}) {
    std::filesystem::create_directories(output + "/" + name);
  }
  EXPECT_TRUE(clean_up_checkpoints(output).ok());
  EXPECT_EQ(entries(output), (Names{".mine", "checkpoint-5"}));
}

TEST(CleanUpCheckpoints, GivesTheOnlyWholeCopyOfACheckpointItsNameBack) {
  const std::string output = output_with({5});
  std::filesystem::rename(output + "/checkpoint-5", output + "/.replaced-checkpoint-5");
  EXPECT_TRUE(clean_up_checkpoints(output).ok());
  EXPECT_EQ(entries(output), (Names{"checkpoint-5"}));
}

TEST(CleanUpCheckpoints, IsContentWithoutAnOutputDirectory) {
  EXPECT_TRUE(clean_up_checkpoints(fresh_directory() + "/none").ok());
}

}  // namespace
}  // namespace downbeat
