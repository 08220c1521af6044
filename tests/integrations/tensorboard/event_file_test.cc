#include "integrations/tensorboard/event_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "integrations/tensorboard/event.h"

namespace downbeat {
namespace {

std::string fresh_directory() {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::string directory = absl::StrCat(::testing::TempDir(), "/event_file_", test->name());
  std::filesystem::remove_all(directory);
  return directory;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(EventFile, StartsWithTheVersion) {
  EventFile file(fresh_directory());
  EXPECT_TRUE(file.write(0));
  const std::string content = content_of(file.path());
  EXPECT_EQ(content.size(), event_record(version_event(1)).size());
  EXPECT_TRUE(absl::StrContains(content, "brain.Event:2"));
}

TEST(EventFile, IsNotThereBeforeTheFirstWrite) {
  const std::string directory = fresh_directory();
  EventFile file(directory);
  file.add(scalar_event(1, 1, "train/loss", 0.5));
  EXPECT_FALSE(std::filesystem::exists(directory));
}

TEST(EventFile, HasANameBehindThoseOfTheFilesThatAreThere) {
  const std::string directory = fresh_directory();
  std::string last;
  for (int i = 0; i < 12; ++i) {
    EventFile file(directory);
    EXPECT_TRUE(file.write(0));
    EXPECT_GT(file.path(), last) << "also where the count goes from 9 to 10 and the second stays the same";
    last = file.path();
  }
}

TEST(EventFile, GoesOnBehindAFileOfTheFuture) {
  const std::string directory = fresh_directory();
  std::filesystem::create_directories(directory);
  std::ofstream(directory + "/events.out.tfevents.4000000000.host.1.0").flush();
  EXPECT_TRUE(absl::StrContains(EventFile(directory).path(), "/events.out.tfevents.4000000001."));
}

TEST(EventFile, SaysTwiceThatARunGoesOn) {
  EventFile file(fresh_directory(), 9);
  EXPECT_TRUE(file.write(0));
  const std::string start = session_start_event(1, 9).substr(9);
  const std::string content = content_of(file.path());
  const std::size_t first = content.find(start);
  ASSERT_NE(first, std::string::npos);
  EXPECT_NE(content.find(start, first + 1), std::string::npos);
}

TEST(EventFile, KeepsItsBeginningUntilItIsWritten) {
  const std::string directory = fresh_directory();
  std::ofstream(directory) << "in the way";
  EventFile file(directory, 0, {.retry_every = absl::ZeroDuration()});
  file.add_to_beginning(text_event(1, 0, "args", "{}"));
  file.add(scalar_event(1, 1, "train/lost", 0.5));
  EXPECT_FALSE(file.write(1));
  EXPECT_EQ(file.lost(), 1);

  std::filesystem::remove(directory);
  file.add(scalar_event(1, 2, "train/kept", 0.5));
  EXPECT_TRUE(file.write(1));
  EXPECT_EQ(file.lost(), 1);
  const std::string content = content_of(file.path());
  EXPECT_LT(content.find("brain.Event:2"), content.find("args/text_summary"));
  EXPECT_LT(content.find("args/text_summary"), content.find("train/kept"));
  EXPECT_FALSE(absl::StrContains(content, "train/lost"));
}

}  // namespace
}  // namespace downbeat
