#include "integrations/support/spool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace downbeat {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string fresh(const std::string& name) {
  const std::string directory = testing::TempDir() + "/spool/" + name;
  std::filesystem::remove_all(directory);
  return directory;
}

TEST(Spool, GivesEntriesInOrderUntilTheyAreAcknowledged) {
  Spool spool("Test", fresh("order") + "/a/spool.jsonl");
  EXPECT_TRUE(spool.is_empty());
  spool.append("one");
  spool.append("two");
  EXPECT_EQ(spool.first(), "one");
  EXPECT_EQ(spool.first(), "one");
  spool.acknowledge();
  EXPECT_EQ(spool.first(), "two");
  spool.acknowledge();
  EXPECT_TRUE(spool.is_empty());
  spool.append("three");
  EXPECT_EQ(spool.first(), "three");
}

TEST(Spool, GoesOnWhereTheProgramBeforeStopped) {
  const std::string directory = fresh("again");
  const std::string path = directory + "/a/spool.jsonl";
  {
    Spool spool("Test", path);
    for (const char* entry : {"one", "two", "three"}) spool.append(entry);
    spool.first();
    spool.acknowledge();
  }
  EXPECT_THAT(unfinished_spools(directory), ElementsAre(path));
  Spool spool("Test", path);
  EXPECT_EQ(spool.first(), "two");
  spool.acknowledge();
  spool.first();
  spool.acknowledge();
  EXPECT_TRUE(spool.is_empty());
  EXPECT_THAT(unfinished_spools(directory), IsEmpty());
}

TEST(Spool, PassesOverAnEntryThatACrashCutOff) {
  const std::string path = fresh("torn") + "/a/spool.jsonl";
  {
    Spool spool("Test", path);
    spool.append("whole");
  }
  std::ofstream(path, std::ios::app) << "half of an ent";
  Spool spool("Test", path);
  EXPECT_EQ(spool.first(), "whole");
  spool.acknowledge();
  EXPECT_EQ(spool.first(), std::nullopt);
}

TEST(Spool, IsLockedWhileAProgramHasIt) {
  const std::string path = fresh("lock") + "/a/spool.jsonl";
  auto first = std::make_unique<Spool>("Test", path);
  first->append("entry");
  Spool second("Test", path);
  EXPECT_FALSE(second.lock());
  first.reset();
  EXPECT_TRUE(second.lock());
}

TEST(Spool, HoldsEntriesLargerThanWhatIsReadAhead) {
  Spool spool("Test", fresh("large") + "/a/spool.jsonl");
  const std::string large(3'000'000, 'x');
  spool.append(large);
  spool.append("small");
  EXPECT_EQ(spool.first(), large);
  spool.acknowledge();
  EXPECT_EQ(spool.first(), "small");
}

TEST(Spool, IsFilledAndEmptiedByTwoThreads) {
  Spool spool("Test", fresh("threads") + "/a/spool.jsonl");
  constexpr int kEntries = 2000;
  std::thread writing([&] {
    for (int i = 0; i < kEntries; ++i) spool.append(std::to_string(i), 1);
  });
  for (int i = 0; i < kEntries;) {
    const std::optional<std::string> entry = spool.first();
    if (!entry) continue;
    ASSERT_EQ(*entry, std::to_string(i));
    spool.acknowledge();
    ++i;
  }
  writing.join();
}

TEST(Spool, HasNoUnfinishedOnesWhereThereIsNoDirectory) { EXPECT_THAT(unfinished_spools(fresh("nothing")), IsEmpty()); }

}  // namespace
}  // namespace downbeat
