#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "callbacks/vocabulary/logs.h"
#include "integrations/report_to_these.h"

namespace downbeat {
namespace {

using testing::ElementsAre;

std::vector<std::string> heard;  // by name

template <int number>
struct Tracker {
  static constexpr std::string_view kNames[] = {"tensorboard", "mlflow", "azure_ml"};
  static constexpr std::string_view report_to_name = kNames[number];
  void on_train_begin() { heard.emplace_back(report_to_name); }
};
using TensorBoard = Tracker<0>;
using MLflow = Tracker<1>;
using AzureML = Tracker<2>;

std::vector<std::string> reporting(const std::vector<std::string>& report_to_names) {
  heard.clear();
  const TrainingArguments args{.report_to = report_to_names};
  auto handler = report_to<TensorBoard, MLflow, AzureML>(args);
  TrainerState state(args);
  TrainerControl control;
  handler.on_train_begin(args, state, control);
  return heard;
}

std::string sentence(const std::string& name) {
  try {
    report_to<TensorBoard, MLflow>(TrainingArguments{.report_to = {name}});
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(ReportTo, OnlyWhatIsAskedForHears) {
  EXPECT_THAT(reporting({}), ElementsAre());
  EXPECT_THAT(reporting({"none"}), ElementsAre());
  EXPECT_THAT(reporting({"mlflow"}), ElementsAre("mlflow"));
  EXPECT_THAT(reporting({"azure_ml", "tensorboard"}), ElementsAre("tensorboard", "azure_ml"));
}

TEST(ReportTo, AllLeavesAzureMLOutBesideMLflow) {
  EXPECT_THAT(reporting({"all"}), ElementsAre("tensorboard", "mlflow"));
}

TEST(ReportTo, AllTakesAzureMLInPlaceOfMLflowWhereTheAddressIsAWorkspace) {
  setenv("MLFLOW_TRACKING_URI", "azureml://host/mlflow/v1.0/subscriptions/s", 1);
  EXPECT_THAT(reporting({"all"}), ElementsAre("tensorboard", "azure_ml"));
  EXPECT_THAT(reporting({"mlflow"}), ElementsAre("mlflow"));
  unsetenv("MLFLOW_TRACKING_URI");
}

TEST(ReportTo, AllTakesAzureMLWhereThereIsNoMLflow) {
  EXPECT_THAT(asked_trackers(TrainingArguments{.report_to = {"all"}}, {"tensorboard", "azure_ml"}),
              ElementsAre(true, true));
}

TEST(ReportTo, ATrackerThatIsNotBuiltInIsSaid) {
  EXPECT_EQ(sentence("wandb"),
            "report_to=wandb is not built into this program; there are tensorboard, mlflow, all and none");
}

TEST(ReportTo, AMisspeltTrackerIsSaidWithTheNearestOne) {
  EXPECT_EQ(sentence("tensorbord"),
            "report_to=tensorbord is none of tensorboard, mlflow, all and none; did you mean tensorboard?");
}

TEST(ReportTo, IsPartOfALargerTuple) {
  struct Mine {
    void on_step_end() { heard.emplace_back("mine"); }
  };
  heard.clear();
  const TrainingArguments args{.report_to = {"mlflow"}};
  auto handler = Callbacks(report_to<TensorBoard, MLflow>(args), Mine{});
  TrainerState state(args);
  TrainerControl control;
  handler.on_train_begin(args, state, control);
  handler.on_step_end(args, state, control);
  EXPECT_THAT(heard, ElementsAre("mlflow", "mine"));
}

}  // namespace
}  // namespace downbeat
