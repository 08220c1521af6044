// AzureMLCallback in a loop of one's own. What a real server gets: azureml_server_test.py.
#include "integrations/azureml/azureml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "callbacks/pipeline/callback_handler.h"
#include "callbacks/vocabulary/message.h"
#include "callbacks/vocabulary/trainer_control.h"
#include "integrations/support/run_identity.h"
#include "integrations/support/small_file.h"
#include "tests/integrations/azureml/azureml_test_support.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

static_assert(std::is_nothrow_move_constructible_v<AzureMLCallback>);
static_assert(std::is_nothrow_move_assignable_v<AzureMLCallback>);
static_assert(AzureMLCallback::report_to_name == "azure_ml");

// A workspace that is not there.
constexpr char kUri[] =
    "azureml://127.0.0.1:1/mlflow/v1.0/subscriptions/s/resourceGroups/g/providers/"
    "Microsoft.MachineLearningServices/workspaces/w";

class AzureMLTest : public testing::Test {
 protected:
  AzureMLTest() { args_.output_dir = directory_ + "/out"; }

  static AzureMLOptions options() { return {.tracking_uri = kUri, .finish_timeout_seconds = 0.1}; }

  void train(AzureMLCallback callback, int64_t steps = 3) {
    auto handler = Callbacks(std::move(callback));
    handler.on_init_end(args_, state_, control_);
    if (resume_from_) handler.on_load_checkpoint(args_, state_, control_, Checkpoint{*resume_from_, 1});
    handler.on_train_begin(args_, state_, control_);
    for (int64_t step = 1; step <= steps; ++step) {
      state_.global_step = step;
      Logs logs{{"loss", 1.0 / static_cast<double>(step)}, {"epoch", 0.5}};
      handler.on_log(args_, state_, control_, logs);
    }
    fs::create_directories(checkpoint_);
    handler.on_save(args_, state_, control_, Checkpoint{checkpoint_, 1});
    handler.on_train_end(args_, state_, control_, RunEnd{});
  }

  std::string spool() const {
    std::string all;
    for (const auto& entry : fs::recursive_directory_iterator(args_.output_dir)) {
      if (entry.path().filename() == "spool.jsonl") absl::StrAppend(&all, *read_small_file(entry.path().string()));
    }
    return all;
  }

  std::string sentence(AzureMLOptions options = AzureMLTest::options()) const {
    try {
      auto handler = Callbacks(AzureMLCallback(std::move(options)));
      TrainerState state;
      TrainerControl control;
      handler.on_init_end(args_, state, control);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  }

  const std::string directory_ = test_directory();
  const std::string checkpoint_ = directory_ + "/out/checkpoint-1";
  const OnlyVariables variables_;
  const ScopedMessageCapture messages_;
  TrainingArguments args_;
  TrainerState state_;
  TrainerControl control_;
  std::optional<std::string> resume_from_;
};

TEST_F(AzureMLTest, AWorkspaceThatIsNotThereCostsNothing) {
  setenv("AZUREML_RUN_TOKEN", "s3cret", 1);
  train(AzureMLCallback(options()));
  EXPECT_THAT(messages_.text(), HasSubstr("AzureML: http://127.0.0.1:1/mlflow/v2.0/subscriptions/s"));
  EXPECT_THAT(messages_.text(), HasSubstr("downbeat-mlflow-replay " + directory_ + "/out/azure_ml/"));
  EXPECT_THAT(spool(), HasSubstr(R"("key":"loss","step":3,)"));
  EXPECT_THAT(spool(), HasSubstr(absl::StrCat(R"("uri":")", kUri)));
  EXPECT_THAT(spool() + messages_.text(), Not(HasSubstr("s3cret")));
}

TEST_F(AzureMLTest, TheRunOfTheJobIsNeverEnded) {
  setenv("AZUREML_RUN_ID", "job_1", 1);
  train(AzureMLCallback(options()));
  EXPECT_THAT(spool(), HasSubstr(R"("run_id":"job_1")"));
  EXPECT_THAT(spool(), Not(HasSubstr(R"("end":)")));
}

TEST_F(AzureMLTest, TheRunOfMLflowWins) {
  setenv("AZUREML_RUN_ID", "not an id", 1);
  setenv("MLFLOW_RUN_ID", "mine", 1);
  train(AzureMLCallback(options()));
  EXPECT_THAT(spool(), HasSubstr(R"("run_id":"mine")"));
}

TEST_F(AzureMLTest, TheRunOfAJobIsNotEndedByATrainingThatIsResumedOutside) {
  setenv("AZUREML_RUN_ID", "job_1", 1);
  train(AzureMLCallback(options()));
  EXPECT_EQ(run_of(checkpoint_, "azure_ml")->at("run_id"), "job_1");
  unsetenv("AZUREML_RUN_ID");
  resume_from_ = checkpoint_;
  args_.output_dir = directory_ + "/resumed";
  train(AzureMLCallback(options()));
  EXPECT_THAT(spool(), HasSubstr(R"("run_id":"job_1")"));
  EXPECT_THAT(spool(), Not(HasSubstr(R"("end":)")));
}

TEST_F(AzureMLTest, ARunOfOnesOwnIsEnded) {
  train(AzureMLCallback(options()));
  EXPECT_THAT(spool(), HasSubstr(R"("status":"FINISHED")"));
}

TEST_F(AzureMLTest, OutsideOfAJobIsOffWithOneWarning) {
  setenv("MLFLOW_TAGS", "{", 1);
  setenv("AZUREML_RUN_TOKEN", "s3cret", 1);
  train(AzureMLCallback());
  EXPECT_THAT(
      messages_.lines(),
      ElementsAre(StartsWith("downbeat: warning: AzureML: nothing is reported, as this is no job of AzureML: ")));
  EXPECT_FALSE(fs::exists(args_.output_dir + "/azure_ml"));
  EXPECT_TRUE(fs::is_empty(checkpoint_));
}

TEST_F(AzureMLTest, OtherProcessesOfTheTrainingSayAndWriteNothing) {
  state_.is_world_process_zero = false;
  train(AzureMLCallback());
  train(AzureMLCallback(options()));
  EXPECT_THAT(messages_.lines(), IsEmpty());
  EXPECT_FALSE(fs::exists(args_.output_dir + "/azure_ml"));
  EXPECT_TRUE(fs::is_empty(checkpoint_));
}

TEST_F(AzureMLTest, WhatCannotBeMeantIsSaidBeforeTheFirstStep) {
  EXPECT_EQ(sentence(), "");
  EXPECT_EQ(sentence({.tracking_uri = kUri, .finish_timeout_seconds = -1}),
            "finish_timeout_seconds is '-1': it must be a number of seconds");
  EXPECT_EQ(sentence({.tracking_uri = kUri, .az_timeout_seconds = 0}),
            "az_timeout_seconds is '0': it must be a number of seconds");
  EXPECT_EQ(sentence({.tracking_uri = kUri, .run_id = "a b"}),
            "MLFLOW_RUN_ID is 'a b': it must be the id of a run: letters, digits, _ and -");
  EXPECT_THAT(sentence({.tracking_uri = "http://host:5000"}), StartsWith("MLFLOW_TRACKING_URI is 'http://host:5000'"));
  for (const auto& [name, value, text] :
       {std::array{"MLFLOW_TRACKING_TOKEN", "two words", "MLFLOW_TRACKING_TOKEN holds blanks"},
        std::array{"AZUREML_RUN_TOKEN", "two words", "AZUREML_RUN_TOKEN holds blanks"},
        std::array{"AZUREML_RUN_ID", "../x", "AZUREML_RUN_ID is '../x': it must be the id of a run"},
        std::array{"MLFLOW_TAGS", "[1]", "MLFLOW_TAGS is '[1]': it must be a JSON object"},
        std::array{"MLFLOW_MAX_LOG_PARAMS", "x", "MLFLOW_MAX_LOG_PARAMS is 'x': it must be a whole number"},
        std::array{"MLFLOW_HTTP_REQUEST_TIMEOUT", "-1", "MLFLOW_HTTP_REQUEST_TIMEOUT is '-1'"}}) {
    const OnlyVariables variables({{name, value}});
    EXPECT_THAT(sentence(), StartsWith(text));
  }
}

}  // namespace
}  // namespace downbeat
