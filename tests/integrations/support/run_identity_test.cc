#include "integrations/support/run_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "callbacks/vocabulary/message.h"
#include "integrations/support/small_file.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

class RunIdentity : public testing::Test {
 protected:
  RunIdentity() { fs::create_directories(checkpoint_); }
  ~RunIdentity() override { fs::remove_all(checkpoint_); }

  const std::string checkpoint_ = testing::TempDir() + "checkpoint-8";
  const ScopedMessageCapture messages_;
};

TEST_F(RunIdentity, IsReadFromTheCheckpointThatNotedIt) {
  note_run("MLflow", checkpoint_, "mlflow", {{"run_id", "a1"}});
  EXPECT_EQ(run_of(checkpoint_, "mlflow").value().at("run_id"), "a1");
  EXPECT_EQ(run_of(checkpoint_, "wandb"), std::nullopt);
  EXPECT_TRUE(is_run_identity(checkpoint_ + "/mlflow_run.json"));
  EXPECT_FALSE(is_run_identity(checkpoint_ + "/trainer_state.json"));
  EXPECT_THAT(messages_.lines(), IsEmpty());
}

TEST_F(RunIdentity, IsNoneWhereTheFileIsNoObject) {
  for (const char* text : {"", "[]", "{\"run_id\": "}) {
    ASSERT_TRUE(write_small_file(checkpoint_ + "/mlflow_run.json", text).ok());
    EXPECT_EQ(run_of(checkpoint_, "mlflow"), std::nullopt) << text;
  }
}

TEST_F(RunIdentity, IsNotNotedInACheckpointThatIsGone) {
  note_run("MLflow", checkpoint_ + "/gone", "mlflow", {{"run_id", "a1"}});
  EXPECT_FALSE(fs::exists(checkpoint_ + "/gone"));
  EXPECT_THAT(messages_.lines(), IsEmpty());
}

TEST_F(RunIdentity, ThatCannotBeNotedIsAWarning) {
  fs::create_directories(checkpoint_ + "/mlflow_run.json/in_the_way");
  note_run("MLflow", checkpoint_, "mlflow", {{"run_id", "a1"}});
  EXPECT_THAT(messages_.lines(), ElementsAre(StartsWith("downbeat: warning: MLflow: a training that is resumed from " +
                                                        checkpoint_ + " will begin a new run: cannot write ")));
}

}  // namespace
}  // namespace downbeat
