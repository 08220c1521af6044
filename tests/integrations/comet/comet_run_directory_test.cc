#include "integrations/comet/comet_run_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "integrations/comet/comet_messages.h"
#include "integrations/support/json_text.h"
#include "tests/integrations/comet/read_archive.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

constexpr const char* kKey = "0123456789abcdef0123456789abcdef";

class CometRunDirectoryTest : public ::testing::Test {
 protected:
  CometRunDirectoryTest() {
    directory_ = ::testing::TempDir() + "/" + ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(directory_);
  }

  std::unique_ptr<CometRunDirectory> run(const std::string& resume_strategy = "create") const {
    return std::make_unique<CometRunDirectory>(
        directory_, CometExperiment{.key = kKey, .resume_strategy = resume_strategy, .start_ms = 1000});
  }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  static void write(const std::string& path, const std::string& content) {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << content;
  }

  // As a program leaves it that was killed.
  void leave_behind(const std::string& messages, const std::string& resume_strategy = "create") const {
    const std::string path = directory_ + "/" + kKey;
    write(path + "/messages.jsonl", messages);
    write(path + "/experiment.json",
          nlohmann::json{
              {"offline_id", kKey}, {"start_time", 1000}, {"stop_time", 1000}, {"resume_strategy", resume_strategy}}
              .dump());
  }

  std::string directory_;
};

TEST_F(CometRunDirectoryTest, BecomesAnArchive) {
  const auto run = this->run();
  run->append(comet_other("a", 1));
  run->append(comet_other("b", 2));
  EXPECT_THAT(names(), ElementsAre(kKey));
  EXPECT_EQ(run->zip(5000).value(), directory_ + "/" + kKey + ".zip");
  EXPECT_THAT(names(), ElementsAre(std::string(kKey) + ".zip"));
  const auto members = read_archive(directory_ + "/" + kKey + ".zip");
  EXPECT_THAT(members, ElementsAre(Key("experiment.json"), Key("messages.json")));
  EXPECT_EQ(members.at("messages.json"), json_line(comet_other("a", 1)) + "\n" + json_line(comet_other("b", 2)) + "\n");
  EXPECT_EQ(
      members.at("experiment.json"),
      R"({"offline_id":"0123456789abcdef0123456789abcdef","project_name":null,"workspace":null,)"
      R"("start_time":1000,"stop_time":5000,"tags":[],"resume_strategy":"create","customer_error_reported":false,)"
      R"("customer_error_message":null,"user_provided_experiment_key":false,"comet_start_sourced":false})");
}

TEST_F(CometRunDirectoryTest, NeverTakesThePlaceOfAnotherArchive) {
  write(directory_ + "/" + kKey + ".zip", "another");
  const auto run = this->run();
  run->append(comet_other("a", 1));
  EXPECT_THAT(run->zip(5000).value(), MatchesRegex(directory_ + "/" + kKey + "-[A-Za-z]{6}\\.zip"));
  EXPECT_EQ(fs::file_size(directory_ + "/" + kKey + ".zip"), 7u);
}

TEST_F(CometRunDirectoryTest, IsNamedAnewWhereTheExperimentMayBeThere) {
  const auto run = this->run("get_or_create");
  run->append(comet_other("a", 1));
  EXPECT_THAT(run->zip(5000).value(), MatchesRegex(directory_ + "/" + kKey + "-[A-Za-z]{6}\\.zip"));
}

TEST_F(CometRunDirectoryTest, LeavesNothingOfARunWithoutLines) {
  EXPECT_EQ(run()->zip(5000).value(), "");
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(CometRunDirectoryTest, TakesTheKeyThatTheServiceChose) {
  const auto run = this->run("get_or_create");
  run->append(comet_other("a", 1));
  run->set_key(std::string(32, 'b'));
  EXPECT_THAT(run->zip(5000).value(), MatchesRegex(directory_ + "/b{32}-[A-Za-z]{6}\\.zip"));
}

TEST_F(CometRunDirectoryTest, KeepsAnAssetThatIsTakenAwayLater) {
  write(directory_ + "/out/model", "weights");
  const auto run = this->run();
  ASSERT_TRUE(run->add_asset(directory_ + "/out/model", "out/model", 8, 7).ok());
  fs::remove_all(directory_ + "/out");
  EXPECT_EQ(read_archive(run->zip(5000).value()).at("assets/1"), "weights");
}

TEST_F(CometRunDirectoryTest, SaysWhichAssetItCannotKeep) {
  const auto run = this->run();
  EXPECT_THAT(run->add_asset(directory_ + "/none", "none", 8, 7).message(),
              ::testing::HasSubstr(directory_ + "/none cannot be kept: No such file"));
}

TEST_F(CometRunDirectoryTest, SaysThatTheArchiveCannotBeWritten) {
  const auto run = this->run();
  run->append(comet_other("a", 1));
  fs::create_directories(run->path() + "/archive.zip");
  EXPECT_THAT(run->zip(5000).status().message(), ::testing::HasSubstr("archive.zip cannot be written"));
  EXPECT_TRUE(fs::exists(run->path() + "/messages.jsonl"));
}

TEST_F(CometRunDirectoryTest, IsLockedWhileItsProgramLives) {
  const auto run = this->run();
  run->append(comet_other("a", 1));
  EXPECT_THAT(zip_left_over_runs(directory_).archives, IsEmpty());
  EXPECT_THAT(names(), ElementsAre(kKey));
}

TEST_F(CometRunDirectoryTest, TakesAnotherNameBesideARunOfTheSameKey) {
  const auto first = run();
  EXPECT_THAT(run()->path(), MatchesRegex(directory_ + "/" + kKey + "-[A-Za-z]{6}"));
}

TEST_F(CometRunDirectoryTest, IsZippedByTheNextProgram) {
  leave_behind("{\"a\":1}\n{\"b\":2}\n");
  EXPECT_THAT(zip_left_over_runs(directory_).archives, ElementsAre(directory_ + "/" + kKey + ".zip"));
  EXPECT_THAT(names(), ElementsAre(std::string(kKey) + ".zip"));
  const auto members = read_archive(directory_ + "/" + kKey + ".zip");
  EXPECT_EQ(members.at("messages.json"), "{\"a\":1}\n{\"b\":2}\n");
  EXPECT_GT(nlohmann::json::parse(members.at("experiment.json")).at("stop_time"), 1000);
}

TEST_F(CometRunDirectoryTest, IsZippedWithoutALineThatIsTorn) {
  leave_behind("{\"a\":1}\n{\"b");
  EXPECT_EQ(read_archive(zip_left_over_runs(directory_).archives.at(0)).at("messages.json"), "{\"a\":1}\n");
}

TEST_F(CometRunDirectoryTest, IsZippedAnewAfterAProgramThatWasKilledWhileZipping) {
  leave_behind("{\"a\":1}\n");
  write(directory_ + "/" + kKey + "/archive.zip", "PK half of it");
  EXPECT_EQ(read_archive(zip_left_over_runs(directory_).archives.at(0)).at("messages.json"), "{\"a\":1}\n");
}

TEST_F(CometRunDirectoryTest, IsLeftAloneWhenDamagedAndSaysSo) {
  leave_behind("{\"a\":1}\n");
  write(directory_ + "/" + kKey + "/experiment.json", R"({"offline_id": 7})");
  const ZippedRuns runs = zip_left_over_runs(directory_);
  EXPECT_THAT(runs.archives, IsEmpty());
  EXPECT_THAT(runs.failures, ElementsAre(directory_ + "/" + kKey + "/experiment.json is damaged"));
}

TEST_F(CometRunDirectoryTest, DoesNotTakeAnUnpackedArchiveForARun) {
  write(directory_ + "/" + kKey + "/experiment.json", "{}");
  write(directory_ + "/" + kKey + "/messages.json", "{}");
  EXPECT_THAT(zip_left_over_runs(directory_).archives, IsEmpty());
  EXPECT_THAT(names(), ElementsAre(kKey));
}

}  // namespace
}  // namespace downbeat
