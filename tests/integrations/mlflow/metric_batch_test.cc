#include "integrations/mlflow/metric_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "callbacks/vocabulary/message.h"
#include "integrations/mlflow/text.h"
#include "integrations/support/json_text.h"

namespace downbeat {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class MetricBatchTest : public ::testing::Test {
 protected:
  void add(int64_t step, int64_t time_ms, Logs logs) {
    batch_.add({.step = step, .time_us = time_ms * 1000 + 999, .logs = std::move(logs)}, take_);
  }
  void flush() { batch_.flush(take_); }

  // Step, time and value of all points.
  std::vector<std::vector<double>> points() {
    flush();
    std::vector<std::vector<double>> all;
    for (const auto& entry : entries_) {
      for (const auto& point : entry["log"]["metrics"]) {
        all.push_back({point["step"], point["timestamp"], number_of(point["value"])});
      }
    }
    return all;
  }

  MetricBatch batch_{"MLflow"};
  std::vector<nlohmann::json> entries_;
  std::vector<int64_t> values_;
  const MetricBatch::Take take_ = [this](const nlohmann::json& entry, int64_t values) {
    entries_.push_back(entry);
    values_.push_back(values);
  };
  ScopedMessageCapture messages_;
};

TEST_F(MetricBatchTest, IsALineAsMLflowTakesIt) {
  add(4, 1764000000000, {{"eval_loss", 0.5}, {"tokens", int64_t{7}}});
  flush();
  ASSERT_THAT(entries_, SizeIs(1));
  EXPECT_EQ(entries_[0].dump(), R"({"log":{"metrics":[)"
                                R"({"key":"eval_loss","step":4,"timestamp":1764000000000,"value":0.5},)"
                                R"({"key":"tokens","step":4,"timestamp":1764000000000,"value":7.0}]}})");
  EXPECT_THAT(values_, ElementsAre(2));
}

TEST_F(MetricBatchTest, IsFullAt1000AndBelowAMillionBytes) {
  Logs logs;
  for (int i = 0; i < 1001; ++i) logs[std::to_string(i) + std::string(246, 'n')] = 1.2345678901234567e-300;
  add(1, 1, logs);
  EXPECT_THAT(values_, ElementsAre(1000));
  EXPECT_LT(json_line(entries_[0]).size(), 1'000'000);
  flush();
  EXPECT_THAT(values_, ElementsAre(1000, 1));
}

TEST_F(MetricBatchTest, GivesNothingWhereNothingWasLogged) {
  flush();
  add(1, 1, {});
  flush();
  EXPECT_THAT(entries_, SizeIs(0));
}

TEST_F(MetricBatchTest, GivesPointsOfOneStepTimesOfTheirOwn) {
  for (int i = 0; i < 3; ++i) add(8, 100, {{"epoch", 1.0}});
  add(9, 100, {{"epoch", 1.0}});
  EXPECT_THAT(points(), ElementsAre(ElementsAre(8, 100, 1), ElementsAre(8, 101, 1), ElementsAre(8, 102, 1),
                                    ElementsAre(9, 102, 1)));
}

TEST_F(MetricBatchTest, GivesNoTimeBeforeAnEarlierOne) {
  add(1, 100, {{"loss", 1.0}});
  add(2, 90, {{"loss", 2.0}});  // somebody set the clock
  EXPECT_THAT(points(), ElementsAre(ElementsAre(1, 100, 1), ElementsAre(2, 100, 2)));
}

TEST_F(MetricBatchTest, SaysOnceWhichNamesItChanges) {
  for (const int step : {1, 2}) add(step, step, {{"top (5)", 1.0}});
  flush();
  EXPECT_EQ(entries_[0]["log"]["metrics"][1]["key"], "top _5_");
  EXPECT_THAT(messages_.lines(), ElementsAre(HasSubstr("MLflow: top (5) is logged as top _5_")));
}

TEST_F(MetricBatchTest, LeavesTextOutAndSaysItOnce) {
  for (const int step : {1, 2}) add(step, step, {{"note", std::string("hello")}, {"loss", 1.0}});
  EXPECT_THAT(points(), SizeIs(2));
  EXPECT_THAT(messages_.lines(), ElementsAre(HasSubstr("note is text and left out")));
}

}  // namespace
}  // namespace downbeat
