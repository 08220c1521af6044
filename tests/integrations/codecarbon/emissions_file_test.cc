#include "integrations/codecarbon/emissions_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "integrations/codecarbon/csv.h"
#include "integrations/support/small_file.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

TEST(Csv, IsQuotedOnlyWhereNeeded) {
  EXPECT_EQ(csv_record({"a b", "", "1,5", "say \"x\"", "two\nlines", "é;#"}),
            "a b,,\"1,5\",\"say \"\"x\"\"\",\"two\nlines\",é;#\n");
}

TEST(Csv, IsReadBack) {
  const std::vector<std::string> fields = {"a b", "", "1,5", "say \"x\"", "two\nlines"};
  EXPECT_EQ(csv_fields(csv_record(fields)), fields);
  EXPECT_EQ(csv_fields("a,b\r\n"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(csv_records("a,\"x\ny\"\nb,c\nd"), (std::vector<absl::string_view>{"a,\"x\ny\"\n", "b,c\n", "d"}));
}

TEST(EmissionsRow, HasCodecarbonsColumnsAndIdentities) {
  EmissionsRow row;
  row.duration = 7;
  row.settings.wue = 1.8;
  row.location.grams_per_kilowatt_hour = 56.039;
  row.figures.cpu_kilowatt_hours = 0.1;
  row.figures.gpu_kilowatt_hours = 0.2;
  row.figures.ram_kilowatt_hours = 0.3;
  const Columns columns = row.columns();
  std::string names;
  std::map<std::string, std::string> values;
  for (const auto& [name, value] : columns) {
    names += (names.empty() ? "" : ",") + name;
    values[name] = value;
  }
  EXPECT_EQ(
      names,
      "timestamp,project_name,run_id,experiment_id,duration,emissions,emissions_rate,cpu_power,gpu_power,ram_power,"
      "cpu_energy,gpu_energy,ram_energy,energy_consumed,water_consumed,country_name,country_iso_code,region,"
      "cloud_provider,cloud_region,os,python_version,codecarbon_version,cpu_count,cpu_model,gpu_count,gpu_model,"
      "longitude,latitude,ram_total_size,tracking_mode,cpu_utilization_percent,gpu_utilization_percent,"
      "ram_utilization_percent,ram_used_gb,on_cloud,pue,wue");
  const double energy = 0.1 + 0.2 + 0.3;
  EXPECT_EQ(std::stod(values["energy_consumed"]), energy);
  EXPECT_EQ(std::stod(values["emissions"]), energy * 56.039 / 1000);
  EXPECT_EQ(std::stod(values["emissions_rate"]), energy * 56.039 / 1000 / 7);
  EXPECT_EQ(std::stod(values["water_consumed"]), 1.8 * energy);
  EXPECT_EQ(values["python_version"], "");
  EXPECT_EQ(values["pue"], "1.0");
}

TEST(EmissionsRow, HasNoValueThatIsNoNumber) {
  EmissionsRow row;  // of no time: the rate would be 0 / 0
  row.figures.ram_used.add(std::stod("inf"));
  for (const auto& [name, value] : row.columns()) {
    const bool is_of_interest = name == "emissions_rate" || name == "ram_used_gb";
    EXPECT_TRUE(!is_of_interest || value == "0.0") << name << " " << value;
  }
}

class EmissionsFileTest : public ::testing::Test {
 protected:
  EmissionsFileTest() { fs::remove_all(directory_); }
  ~EmissionsFileTest() override { fs::remove_all(directory_); }
  std::string text() const { return read_small_file(path_).value_or(""); }
  void put(const std::string& content) const {
    fs::create_directories(directory_ / "below");
    std::ofstream(path_) << content;
  }
  std::string write(const Columns& row, EmissionsWrite how = EmissionsWrite::kAppend) const {
    const auto result = write_emissions(path_, row, how);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *result : "";
  }
  static Columns row(const std::string& run_id, const std::string& value) {
    return {{"run_id", run_id}, {"value", value}, {"note", ""}};
  }

  const fs::path directory_ = fs::path(::testing::TempDir()) / "codecarbon-file";
  const std::string path_ = (directory_ / "below" / "emissions.csv").string();
};

TEST_F(EmissionsFileTest, BeginsWithItsColumns) {
  write(row("a", "1"));
  write(row("b", "2,5"));
  EXPECT_EQ(text(), "run_id,value,note\na,1,\nb,\"2,5\",\n");
}

TEST_F(EmissionsFileTest, AnEmptyFileIsANewOne) {
  put("");
  write(row("a", "1"));
  EXPECT_EQ(text(), "run_id,value,note\na,1,\n");
}

TEST_F(EmissionsFileTest, KeepsTheOrderOfTheFilesColumns) {
  put("note,run_id,value\r\nx,y,z\r\n");
  EXPECT_EQ(write(row("a", "1")), "");
  EXPECT_EQ(text(), "note,run_id,value\r\nx,y,z\r\n,a,1\n");
}

TEST_F(EmissionsFileTest, EndsALineThatSomebodyLeftOpen) {
  put("run_id,value,note\na,1,");
  write(row("b", "2"));
  EXPECT_EQ(text(), "run_id,value,note\na,1,\nb,2,\n");
}

TEST_F(EmissionsFileTest, PutsAFileOfOtherColumnsAside) {
  put("one,two\n1,2\n");
  EXPECT_EQ(write(row("a", "1")), path_ + ".bak");
  EXPECT_EQ(read_small_file(path_ + ".bak"), "one,two\n1,2\n");
  EXPECT_EQ(text(), "run_id,value,note\na,1,\n");
  put("three\n");
  EXPECT_EQ(write(row("b", "2")), path_ + "_0.bak");
  EXPECT_EQ(read_small_file(path_ + "_0.bak"), "three\n");
  EXPECT_EQ(read_small_file(path_ + ".bak"), "one,two\n1,2\n");
}

TEST_F(EmissionsFileTest, AnUpdateTakesThePlaceOfTheRunsRow) {
  write(row("a", "1"), EmissionsWrite::kUpdate);
  write(row("b", "1"), EmissionsWrite::kUpdate);
  write(row("a", "2"), EmissionsWrite::kUpdate);
  EXPECT_EQ(text(), "run_id,value,note\nb,1,\na,2,\n");
  write(row("b", "x"));  // twice now
  write(row("b", "3"), EmissionsWrite::kUpdate);
  EXPECT_EQ(text(), "run_id,value,note\nb,1,\na,2,\nb,x,\nb,3,\n");
}

TEST_F(EmissionsFileTest, SaysWhyItCannotBeWritten) {
  const auto device = write_emissions("/dev/full", row("a", "1"), EmissionsWrite::kAppend);
  EXPECT_FALSE(device.ok());
  const auto directory = write_emissions("/proc/nowhere/emissions.csv", row("a", "1"), EmissionsWrite::kAppend);
  ASSERT_FALSE(directory.ok());
  EXPECT_EQ(directory.status().message(), "No such file or directory");
}

TEST_F(EmissionsFileTest, LosesNoRowOfManyWriters) {
  constexpr int kWriters = 8;
  constexpr int kRows = 20;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      const std::string id = std::to_string(writer);
      for (int i = 0; i < kRows; ++i) write(row(id + "-" + std::to_string(i), "1"));
      for (int i = 0; i < kRows; ++i) write(row(id, std::to_string(i)), EmissionsWrite::kUpdate);
    });
  }
  for (std::thread& writer : writers) writer.join();
  const std::string content = text();
  const auto records = csv_records(content);
  std::set<std::string> rows(records.begin(), records.end());
  EXPECT_EQ(records.size(), 1U + kWriters * kRows + kWriters);
  EXPECT_EQ(rows.size(), records.size());
  for (const absl::string_view record : records) EXPECT_EQ(csv_fields(record).size(), 3U);
}

}  // namespace
}  // namespace downbeat
