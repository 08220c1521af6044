#include "integrations/mlflow/spooled_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "callbacks/vocabulary/message.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using What = SendResult::What;

// What arrived, and how to answer.
struct Server {
  std::vector<std::string> runs;  // keys
  std::vector<std::string> log;   // entries, and the files of artifacts
  std::function<SendResult(const std::string& what)> answer = [](const auto&) { return SendResult{}; };
};

class FakeDestination : public MLflowDestination {
 public:
  explicit FakeDestination(Server& server) : server_(server) {}
  std::string name() const override { return "the server"; }

 private:
  SendResult place(PlacedRun& run) override {
    SendResult result = server_.answer("place");
    if (result.what == What::sent) {
      server_.runs.push_back(run.start.key);
      run.id = "id of " + run.start.key;
    }
    return result;
  }
  SendResult log(PlacedRun&, const nlohmann::json& batch) override { return take(batch.dump()); }
  SendResult set_status(PlacedRun&, const std::string& status, int64_t) override { return take(status); }
  SendResult add_artifact(PlacedRun&, const std::string& file, const std::string& path) override {
    std::string text;
    std::ifstream(file) >> text;
    return take(path + " = " + text);
  }
  SendResult take(const std::string& what) {
    SendResult result = server_.answer(what);
    if (result.what == What::sent) server_.log.push_back(what);
    return result;
  }

  Server& server_;
};

nlohmann::json entry(int number) { return {{"log", number}}; }

class SpooledRunTest : public ::testing::Test {
 protected:
  SpooledRunTest() { fs::remove_all(directory_); }

  std::unique_ptr<SpooledRun> run(const std::string& key, bool has_destination = true) {
    return std::make_unique<SpooledRun>(
        SpooledRunOptions{.directory = directory_, .start = {.uri = "http://host", .key = key}},
        has_destination ? std::make_unique<FakeDestination>(server_) : nullptr);
  }

  // A run of two entries that nobody sent.
  void leave(const std::string& key) {
    const auto left = run(key, /*has_destination=*/false);
    for (const int number : {1, 2}) left->add(entry(number));
  }

  std::vector<std::string> spools() const { return unfinished_spools(directory_); }

  const std::string directory_ = ::testing::TempDir() + "/spooled_run";
  Server server_;
  ScopedMessageCapture messages_;
};

TEST_F(SpooledRunTest, SendsAllInOrderAndLeavesNothing) {
  const auto sent = run("a");
  for (int number = 0; number < 100; ++number) sent->add(entry(number));
  sent->finish(absl::Seconds(60));
  EXPECT_THAT(server_.runs, ElementsAre("a"));
  EXPECT_THAT(server_.log, SizeIs(100));
  EXPECT_EQ(server_.log[99], "99");
  EXPECT_EQ(sent->run_id(), "id of a");
  EXPECT_FALSE(fs::exists(directory_));
  EXPECT_THAT(messages_.lines(), IsEmpty());
}

TEST_F(SpooledRunTest, LeavesNothingOfWhatNeverBegan) {
  run("a")->finish(absl::Seconds(60));
  EXPECT_THAT(server_.runs, IsEmpty());
  EXPECT_FALSE(fs::exists(directory_));
}

TEST_F(SpooledRunTest, KeepsWhatHasNoDestination) {
  const auto kept = run("a", /*has_destination=*/false);
  kept->add(entry(1));
  kept->finish(absl::Seconds(60));
  ASSERT_THAT(spools(), SizeIs(1));
  EXPECT_THAT(messages_.lines(),
              ElementsAre(HasSubstr("to send it: `downbeat-mlflow-replay " + spools()[0] + " URI`")));
  EXPECT_EQ(run_start_in(spools()[0])->key, "a");
}

TEST_F(SpooledRunTest, KeepsAllOfARunThatIsRefused) {
  server_.answer = [](const auto&) { return SendResult{What::refused, "it is deleted"}; };
  const auto refused = run("a");
  refused->add(entry(1));
  refused->finish(absl::Seconds(0.2));
  EXPECT_THAT(spools(), SizeIs(1));
  EXPECT_THAT(messages_.lines(), ElementsAre(HasSubstr("it is deleted"), HasSubstr("downbeat-mlflow-replay")));
}

TEST_F(SpooledRunTest, SendsWhatEarlierRunsLeftFirst) {
  leave("a");
  const auto later = run("b");
  later->add(entry(3));
  later->finish(absl::Seconds(60));
  EXPECT_THAT(server_.runs, ElementsAre("a", "b"));
  EXPECT_THAT(server_.log, ElementsAre("1", "2", "3"));
  EXPECT_FALSE(fs::exists(directory_));
  EXPECT_THAT(messages_.lines(), IsEmpty());
}

TEST_F(SpooledRunTest, GoesOnBesideAnEarlierRunThatIsRefused) {
  leave("a");
  server_.answer = [](const std::string& what) {
    return what == "2" ? SendResult{What::refused, "odd"} : SendResult{};
  };
  const auto later = run("b");
  later->add(entry(3));
  later->finish(absl::Seconds(60));
  EXPECT_THAT(server_.log, ElementsAre("1", "3"));
  EXPECT_THAT(messages_.lines(), ElementsAre(HasSubstr("the server does not take all of an earlier run (odd)")));
}

TEST_F(SpooledRunTest, LeavesTheSpoolOfAProgramThatRunsAlone) {
  const auto running = run("a", /*has_destination=*/false);
  running->add(entry(1));
  const auto other = run("b");
  other->add(entry(2));
  other->finish(absl::Seconds(60));
  EXPECT_THAT(server_.runs, ElementsAre("b"));
  EXPECT_THAT(spools(), SizeIs(1));
}

TEST_F(SpooledRunTest, KeepsAFileThatIsDeletedBeforeItIsSent) {
  const std::string file = ::testing::TempDir() + "/model.bin";
  std::ofstream(file) << "weights";
  const auto sent = run("a");
  sent->add_artifact(file, "checkpoint-8/model.bin");
  fs::remove(file);
  sent->finish(absl::Seconds(60));
  EXPECT_THAT(server_.log, ElementsAre("checkpoint-8/model.bin = weights"));
  EXPECT_FALSE(fs::exists(directory_));
}

TEST_F(SpooledRunTest, IsSentLaterFromWhereItWas) {
  leave("a");
  const std::string path = spools().at(0);
  FakeDestination destination(server_);
  server_.answer = [](const std::string& what) {
    return what == "2" ? SendResult{What::failed, "gone"} : SendResult{};
  };
  {
    const auto replay = SpoolReplay::open("MLflow", path);
    ASSERT_TRUE(replay.ok()) << replay.status();
    EXPECT_EQ((*replay)->send_all(destination).what, What::failed);
    EXPECT_THAT(SpoolReplay::open("MLflow", path).status().message(), HasSubstr("another program sends it"));
  }
  server_.answer = [](const auto&) { return SendResult{}; };
  const auto replay = SpoolReplay::open("MLflow", path);
  EXPECT_EQ((*replay)->send_all(destination).what, What::sent);
  EXPECT_EQ((*replay)->sent(), 1);
  EXPECT_THAT(server_.log, ElementsAre("1", "2"));
  EXPECT_FALSE(fs::exists(directory_));
}

TEST_F(SpooledRunTest, PassesOverWhatIsRefusedLaterAndKeepsIt) {
  leave("a");
  FakeDestination destination(server_);
  server_.answer = [](const std::string& what) {
    return what == "1" ? SendResult{What::refused, "odd"} : SendResult{};
  };
  const std::string path = spools().at(0);
  const auto replay = SpoolReplay::open("MLflow", path);
  EXPECT_EQ((*replay)->send_all(destination).what, What::sent);
  EXPECT_EQ((*replay)->refused(), 1);
  EXPECT_EQ((*replay)->refusal(), "odd");
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(SpooledRunTest, SaysThatAFileIsNoSpool) {
  fs::create_directories(directory_);
  const std::string path = directory_ + "/other.jsonl";
  EXPECT_EQ(SpoolReplay::open("MLflow", path).status().message(), "cannot read " + path);
  std::ofstream(path) << "{}\n";
  EXPECT_EQ(SpoolReplay::open("MLflow", path).status().message(),
            path + " is no spool of a run, which is a file OUTPUT_DIR/mlflow/TIME-RANDOM/spool.jsonl");
}

}  // namespace
}  // namespace downbeat
