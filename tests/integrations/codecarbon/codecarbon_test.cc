#include "integrations/codecarbon/codecarbon.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "callbacks/pipeline/callback_handler.h"
#include "callbacks/vocabulary/message.h"
#include "callbacks/vocabulary/trainer_control.h"
#include "integrations/codecarbon/csv.h"
#include "integrations/support/small_file.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

class CodeCarbonTest : public ::testing::Test {
 protected:
  CodeCarbonTest() {
    fs::remove_all(directory_);
    args_.output_dir = (directory_ / "run").string();
    ::setenv("HOME", directory_.c_str(), 1);
  }
  ~CodeCarbonTest() override { fs::remove_all(directory_); }

  std::string path() const { return args_.output_dir + "/emissions.csv"; }
  std::vector<std::map<std::string, std::string>> rows() const {
    std::vector<std::map<std::string, std::string>> rows;
    const std::string text = read_small_file(path()).value_or("");
    const auto records = csv_records(text);
    for (std::size_t i = 1; i < records.size(); ++i) {
      const auto names = csv_fields(records[0]);
      const auto values = csv_fields(records[i]);
      for (std::size_t j = 0; j < names.size(); ++j) rows.resize(i), rows.back()[names[j]] = values.at(j);
    }
    return rows;
  }

  const fs::path directory_ = fs::path(::testing::TempDir()) / "codecarbon-callback";
  TrainingArguments args_;
  TrainerState state_;
  TrainerControl control_;
  ScopedMessageCapture messages_;
};

TEST_F(CodeCarbonTest, WritesARowForEachTraining) {
  CallbackHandler handler(CodeCarbonCallback({.country_iso_code = "FRA", .force_ram_power = 12}));
  handler.call_event(on_init_end, args_, state_, control_);
  auto moved = std::move(handler);
  for (int i = 0; i < 2; ++i) {
    moved.call_event(on_train_begin, args_, state_, control_);
    moved.call_event(on_train_end, args_, state_, control_);
  }
  ASSERT_EQ(rows().size(), 2U);
  EXPECT_EQ(rows()[0].at("country_name"), "France");
  EXPECT_EQ(rows()[0].at("ram_power"), "12.0");
  EXPECT_NE(rows()[0].at("run_id"), rows()[1].at("run_id"));
  EXPECT_EQ(messages_.text(), "");
}

TEST_F(CodeCarbonTest, EndsWithItsDestructorWhatTrainEndDidNot) {
  {
    CallbackHandler handler(CodeCarbonCallback({.country_iso_code = "FRA"}));
    handler.call_event(on_train_begin, args_, state_, control_);
  }
  EXPECT_EQ(rows().size(), 1U);
}

TEST_F(CodeCarbonTest, MeasuresOnlyOnTheFirstProcessOfAMachine) {
  state_.is_local_process_zero = false;
  CallbackHandler handler(CodeCarbonCallback({.country_iso_code = "FRA"}));
  handler.call_event(on_init_end, args_, state_, control_);
  handler.call_event(on_train_begin, args_, state_, control_);
  handler.call_event(on_train_end, args_, state_, control_);
  EXPECT_FALSE(fs::exists(args_.output_dir));
}

TEST_F(CodeCarbonTest, RefusesAWrongSettingBeforeTheFirstStep) {
  CallbackHandler handler(CodeCarbonCallback({.pue = 0.1}));
  EXPECT_THROW(handler.call_event(on_init_end, args_, state_, control_), std::invalid_argument);
}

TEST_F(CodeCarbonTest, AnUpdatedRowIsThereWithTheFirstCheckpoint) {
  CallbackHandler handler(
      CodeCarbonCallback({.on_csv_write = "update", .measure_power_secs = 0.01, .country_iso_code = "FRA"}));
  handler.call_event(on_train_begin, args_, state_, control_);
  const Checkpoint checkpoint{.directory = "", .step = 1};
  handler.call_event(on_save, args_, state_, control_, checkpoint);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (rows().empty() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  ASSERT_EQ(rows().size(), 1U);
  const std::string run_id = rows()[0].at("run_id");
  const double energy = std::stod(rows()[0].at("energy_consumed"));
  handler.call_event(on_train_end, args_, state_, control_);
  ASSERT_EQ(rows().size(), 1U);
  EXPECT_EQ(rows()[0].at("run_id"), run_id);
  EXPECT_GE(std::stod(rows()[0].at("energy_consumed")), energy);
}

TEST_F(CodeCarbonTest, SaysOnceThatNoCountryIsSet) {
  CallbackHandler handler(CodeCarbonCallback{});
  handler.call_event(on_train_begin, args_, state_, control_);
  handler.call_event(on_train_end, args_, state_, control_);
  ASSERT_EQ(messages_.lines().size(), 1U);
  EXPECT_NE(messages_.text().find("475 g CO2e/kWh"), std::string::npos);
}

TEST_F(CodeCarbonTest, SaysNothingBelowItsLogLevel) {
  CallbackHandler handler(CodeCarbonCallback({.log_level = "error"}));
  handler.call_event(on_train_begin, args_, state_, control_);
  handler.call_event(on_train_end, args_, state_, control_);
  EXPECT_EQ(messages_.text(), "");
  EXPECT_EQ(rows().size(), 1U);
}

TEST_F(CodeCarbonTest, WritesNoFileWhenAskedForNone) {
  CallbackHandler handler(CodeCarbonCallback({.save_to_file = false, .country_iso_code = "FRA"}));
  handler.call_event(on_train_begin, args_, state_, control_);
  handler.call_event(on_train_end, args_, state_, control_);
  EXPECT_FALSE(fs::exists(args_.output_dir));
}

TEST_F(CodeCarbonTest, WarnsOnceWithTheFiguresWhereNothingCanBeWritten) {
  args_.output_dir = "/proc/nowhere";
  CallbackHandler handler(CodeCarbonCallback({.country_iso_code = "FRA"}));
  handler.call_event(on_train_begin, args_, state_, control_);
  handler.call_event(on_train_end, args_, state_, control_);
  ASSERT_EQ(messages_.lines().size(), 1U);
  EXPECT_NE(messages_.text().find("/proc/nowhere/emissions.csv: No such file or directory; it used "),
            std::string::npos)
      << messages_.text();
}

}  // namespace
}  // namespace downbeat
