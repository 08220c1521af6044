// What the real client reads of such a file, and that it may bring it to its own revision: mlflow_database_test.py.
#include "integrations/mlflow/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "callbacks/vocabulary/message.h"
#include "integrations/mlflow/database_schema.h"
#include "integrations/mlflow/sqlite.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using What = SendResult::What;
using Rows = std::vector<SqliteFile::Row>;

class MLflowDatabaseTest : public ::testing::Test {
 protected:
  MLflowDatabaseTest() { fs::remove_all(directory_); }

  static PlacedRun run_called(const std::string& key) {
    return {.start = {.key = key, .experiment_name = "digits", .run_name = "first", .start_time = 5}};
  }

  SendResult send(const nlohmann::json& entry, PlacedRun& run) { return database_.send(entry, run); }
  SendResult begin(PlacedRun& run) { return send(run_entry(run.start), run); }
  What log(PlacedRun& run, const std::string& key, double value, int64_t time, int64_t step) {
    return send(log_entry("metrics", {metric_point(key, value, time, step)}), run).what;
  }

  Rows rows(const std::string& statement) {
    SqliteFile file(path_, absl::Seconds(60));
    const auto found = file.rows(statement);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? *found : Rows{};
  }
  void execute(const std::string& statement) {
    fs::create_directories(directory_);
    SqliteFile file(path_, absl::Seconds(60));
    const absl::Status status = file.execute(statement);
    EXPECT_TRUE(status.ok()) << status;
  }

  const std::string directory_ = ::testing::TempDir() + "/mlflow_database";
  const std::string path_ = directory_ + "/mlflow.db";
  MLflowDatabase database_{{.path = path_}};
  PlacedRun run_ = run_called("k");
  ScopedMessageCapture messages_;
};

TEST_F(MLflowDatabaseTest, MakesAFileAsMLflowDid) {
  EXPECT_EQ(begin(run_).what, What::sent);
  EXPECT_THAT(rows("SELECT version_num FROM alembic_version"), ElementsAre(ElementsAre(kMLflowRevision)));
  EXPECT_THAT(rows("SELECT experiment_id, name, artifact_location, lifecycle_stage FROM experiments"),
              ElementsAre(ElementsAre("0", "Default", directory_ + "/mlruns/0", "active"),
                          ElementsAre("1", "digits", directory_ + "/mlruns/1", "active")));
  EXPECT_THAT(rows("SELECT run_uuid, name, status, start_time, end_time, artifact_uri, experiment_id FROM runs"),
              ElementsAre(ElementsAre(run_.id, "first", "RUNNING", "5", "",
                                      directory_ + "/mlruns/1/" + run_.id + "/artifacts", "1")));
  EXPECT_THAT(run_.id, SizeIs(32));
  EXPECT_FALSE(fs::exists(directory_ + "/mlruns"));  // it would be taken for a store of files
}

TEST_F(MLflowDatabaseTest, GoesOnInTheRunThatIsThere) {
  PlacedRun again = run_called("k");
  PlacedRun given{.start = {.key = "other", .is_resumed = true}};
  begin(run_);
  send(end_entry("FINISHED", 9), run_);
  begin(again);
  given.start.run_id = run_.id;
  begin(given);
  EXPECT_EQ(again.id, run_.id);
  EXPECT_EQ(given.id, run_.id);
  EXPECT_THAT(rows("SELECT status FROM runs"), ElementsAre(ElementsAre("RUNNING")));
}

TEST_F(MLflowDatabaseTest, SaysThatARunOrAnExperimentIsNotThere) {
  PlacedRun run{.start = {.run_id = "none", .is_resumed = true}};
  EXPECT_THAT(begin(run).reason, HasSubstr("it holds no run none"));
  EXPECT_EQ(run.id, "");
  run.start = {.experiment_id = "7"};
  EXPECT_THAT(begin(run).reason, HasSubstr("it holds no experiment 7"));
  begin(run_);
  execute("UPDATE experiments SET lifecycle_stage = 'deleted' WHERE name = 'digits'");
  run.start = {.experiment_name = "digits"};
  EXPECT_EQ(begin(run).what, What::refused);
  EXPECT_THAT(begin(run).reason, HasSubstr("its experiment 'digits' is deleted"));
}

TEST_F(MLflowDatabaseTest, StoresAPointOnce) {
  for (int i = 0; i < 2; ++i) EXPECT_EQ(log(run_, "loss", 0.1, 7, 4), What::sent);
  EXPECT_EQ(log(run_, "loss", 0.1, 8, 4), What::sent);
  EXPECT_THAT(rows("SELECT key, value, timestamp, step, is_nan FROM metrics ORDER BY timestamp"),
              ElementsAre(ElementsAre("loss", "0.1", "7", "4", "0"), ElementsAre("loss", "0.1", "8", "4", "0")));
}

TEST_F(MLflowDatabaseTest, StoresWhatIsNotFiniteAsMLflow) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  log(run_, "nan", std::numeric_limits<double>::quiet_NaN(), 7, 1);
  log(run_, "up", kInfinity, 7, 1);
  log(run_, "down", -kInfinity, 7, 1);
  EXPECT_THAT(rows("SELECT key FROM metrics WHERE value = 1.7976931348623157e308"), ElementsAre(ElementsAre("up")));
  EXPECT_THAT(rows("SELECT key FROM metrics WHERE value = -1.7976931348623157e308"), ElementsAre(ElementsAre("down")));
  EXPECT_THAT(rows("SELECT key, value FROM metrics WHERE is_nan"), ElementsAre(ElementsAre("nan", "0.0")));
}

TEST_F(MLflowDatabaseTest, KnowsTheLatestPoint) {
  log(run_, "loss", 2, 7, 4);
  log(run_, "loss", 3, 8, 5);
  log(run_, "loss", 9, 9, 4);  // of an earlier step
  EXPECT_THAT(rows("SELECT value, timestamp, step FROM latest_metrics"), ElementsAre(ElementsAre("3.0", "8", "5")));
}

TEST_F(MLflowDatabaseTest, KeepsTheFirstValueOfAParamAndTheLastOfATag) {
  for (const char* value : {"1", "1", "2", "3"}) {
    EXPECT_EQ(send(text_entries("params", {{"p", value}})[0], run_).what, What::sent);
    EXPECT_EQ(send(text_entries("tags", {{"t", value}})[0], run_).what, What::sent);
  }
  EXPECT_THAT(rows("SELECT value FROM params WHERE key = 'p'"), ElementsAre(ElementsAre("1")));
  EXPECT_THAT(rows("SELECT value FROM tags WHERE key = 't'"), ElementsAre(ElementsAre("3")));
  EXPECT_THAT(messages_.lines(), ElementsAre(HasSubstr("the run keeps 1 as the first value of p of the params; 2")));
}

TEST_F(MLflowDatabaseTest, NotesTheEnd) {
  send(end_entry("FINISHED", 9), run_);
  EXPECT_THAT(rows("SELECT status, end_time FROM runs"), ElementsAre(ElementsAre("FINISHED", "9")));
  send(end_entry("KILLED", 10), run_);  // which these tables do not take
  EXPECT_THAT(rows("SELECT status, end_time FROM runs"), ElementsAre(ElementsAre("FAILED", "10")));
}

TEST_F(MLflowDatabaseTest, CopiesArtifacts) {
  fs::create_directories(directory_);
  std::ofstream(directory_ + "/model.bin") << "weights";
  EXPECT_EQ(send(artifact_entry(directory_ + "/model.bin", "checkpoint-8/model.bin"), run_).what, What::sent);
  EXPECT_EQ(fs::file_size(run_.artifacts + "/checkpoint-8/model.bin"), 7);
  EXPECT_EQ(send(artifact_entry(directory_ + "/none.bin", "none.bin"), run_).what, What::refused);
  EXPECT_EQ(send(artifact_entry(directory_ + "/model.bin", "../model.bin"), run_).what, What::refused);
}

TEST_F(MLflowDatabaseTest, IsSharedByTwoWriters) {
  const auto write = [this](const std::string& key) {
    MLflowDatabase database({.path = path_});
    PlacedRun run = run_called(key);
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ(database.send(log_entry("metrics", {metric_point("loss", i, i, i)}), run).what, What::sent);
    }
  };
  std::thread other([&] { write("a"); });
  write("b");
  other.join();
  EXPECT_THAT(rows("SELECT count(*) FROM metrics GROUP BY run_uuid"),
              ElementsAre(ElementsAre("50"), ElementsAre("50")));
  EXPECT_THAT(rows("SELECT name FROM experiments"),
              UnorderedElementsAre(ElementsAre("Default"), ElementsAre("digits")));
}

TEST_F(MLflowDatabaseTest, ThatSomebodyElseWritesIsWorthAnotherTry) {
  begin(run_);
  MLflowDatabase impatient({.path = path_, .wait = absl::ZeroDuration()});
  SqliteFile other(path_, absl::Seconds(60));
  ASSERT_TRUE(other.execute("BEGIN IMMEDIATE").ok());
  const SendResult result = impatient.send(end_entry("FINISHED", 9), run_);
  EXPECT_EQ(result.what, What::failed);
  EXPECT_THAT(result.reason, HasSubstr("locked"));
}

TEST_F(MLflowDatabaseTest, LeavesAFileOfAnotherProgramAlone) {
  execute("CREATE TABLE songs (name)");
  EXPECT_EQ(begin(run_).what, What::refused);
  EXPECT_THAT(begin(run_).reason, HasSubstr("tables of another program"));
  EXPECT_THAT(rows("SELECT name FROM sqlite_master"), ElementsAre(ElementsAre("songs")));
}

TEST_F(MLflowDatabaseTest, SaysThatAFileIsNoneOfSqlite) {
  fs::create_directories(directory_);
  std::ofstream(path_) << std::string(4096, 'x');
  EXPECT_THAT(begin(run_).reason, HasSubstr("not a database"));
}

}  // namespace
}  // namespace downbeat
