#include "integrations/codecarbon/settings.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "integrations/codecarbon/config_file.h"
#include "integrations/codecarbon/location.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

class SettingsTest : public ::testing::Test {
 protected:
  SettingsTest() {
    fs::create_directories(root_ / "home");
    fs::create_directories(root_ / "here");
    fs::current_path(root_ / "here");
    ::setenv("HOME", (root_ / "home").c_str(), 1);
    for (const char* name : {"CODECARBON_REGION", "codecarbon_pue", "CODECARBON_PUE", "CUDA_VISIBLE_DEVICES"})
      ::unsetenv(name);
  }
  ~SettingsTest() override {
    fs::current_path(before_);
    fs::remove_all(root_);
  }
  void config(const char* where, const std::string& text) const {
    std::ofstream(root_ / where / ".codecarbon.config") << text;
  }

  const fs::path before_ = fs::current_path();
  const fs::path root_ = fs::path(::testing::TempDir()) / "codecarbon-settings";
};

std::string sentence(const CodeCarbonOptions& options) {
  try {
    settings_of(options, "out");
  } catch (const std::invalid_argument& mistake) {
    return mistake.what();
  }
  return "";
}

TEST_F(SettingsTest, HaveCodecarbonsStandards) {
  const Settings settings = settings_of({}, "out");
  EXPECT_EQ(settings.output_dir, "out");
  EXPECT_EQ(settings.output_file, "emissions.csv");
  EXPECT_EQ(settings.project_name, "codecarbon");
  EXPECT_EQ(settings.experiment_id, "5b0fa12a-3dd7-45bb-9766-cc326314d9f1");
  EXPECT_EQ(settings.measure_power_secs, 15);
  EXPECT_EQ(settings.pue, 1);
  EXPECT_EQ(settings.wue, 0);
  EXPECT_TRUE(settings.save_to_file);
  EXPECT_FALSE(settings.update);
  EXPECT_FALSE(settings.process_only);
  EXPECT_EQ(settings.gpu_ids, std::nullopt);
  EXPECT_EQ(settings.powercap_directory, "/sys/class/powercap");
}

TEST_F(SettingsTest, TheNearerPlaceWins) {
  config("home", "[codecarbon]\nregion = home\nproject_name = home\npue = 1.1\nwue = 7\n");
  config("here", "[codecarbon]\nregion = here\nproject_name = here\npue = 1.2\n");
  ::setenv("CODECARBON_REGION", "Environment", 1);
  ::setenv("codecarbon_pue", "1.3", 1);
  const Settings settings = settings_of({.pue = 1.4}, "out");
  EXPECT_EQ(settings.wue, 7);
  EXPECT_EQ(settings.project_name, "here");
  EXPECT_EQ(settings.region, "environment");
  EXPECT_EQ(settings.pue, 1.4);
  EXPECT_EQ(settings_of({}, "out").pue, 1.3);
}

TEST_F(SettingsTest, TakeWhatTheOptionsSay) {
  const Settings settings = settings_of({.output_dir = "~/x",
                                         .output_file = "a.csv",
                                         .on_csv_write = "update",
                                         .tracking_mode = "process",
                                         .country_iso_code = "fra",
                                         .cloud_provider = "gcp",
                                         .cloud_region = "europe-west9",
                                         .force_cpu_power = 100,
                                         .gpu_ids = " 0, GPU-a1 ",
                                         .log_level = "ERROR"},
                                        "out");
  EXPECT_EQ(settings.output_dir, (root_ / "home/x").string());
  EXPECT_EQ(settings.output_file, "a.csv");
  EXPECT_TRUE(settings.update);
  EXPECT_TRUE(settings.process_only);
  EXPECT_EQ(settings.country_iso_code, "FRA");
  EXPECT_EQ(settings.cloud_region, "europe-west9");
  EXPECT_EQ(settings.force_cpu_power, 100);
  EXPECT_EQ(settings.gpu_ids, (std::vector<std::string>{"0", "GPU-a1"}));
  EXPECT_EQ(settings.log_level, LogLevel::error);
}

TEST_F(SettingsTest, GpusAreThoseThatCudaShows) {
  ::setenv("CUDA_VISIBLE_DEVICES", "1,3", 1);
  EXPECT_EQ(settings_of({}, "out").gpu_ids, (std::vector<std::string>{"1", "3"}));
  EXPECT_EQ(settings_of({.gpu_ids = "2"}, "out").gpu_ids, (std::vector<std::string>{"2"}));
}

TEST_F(SettingsTest, OutputMethodsAreTheNewSaveToFile) {
  config("here", "[codecarbon]\noutput_methods = api, logger\n");
  EXPECT_FALSE(settings_of({}, "out").save_to_file);
  EXPECT_TRUE(settings_of({.save_to_file = true}, "out").save_to_file);
  config("here", "[codecarbon]\noutput_methods = csv\nsave_to_file = false\n");
  EXPECT_TRUE(settings_of({}, "out").save_to_file);
  config("here", "[codecarbon]\noutput_methods = paper\n");
  EXPECT_NE(sentence({}), "");
}

TEST_F(SettingsTest, ASentenceNamesTheValueAndWhatIsAllowed) {
  EXPECT_EQ(sentence({.measure_power_secs = 0}),
            "CodeCarbon: measure_power_secs=0 makes no sense: it is a number of seconds, 0.01 at least");
  EXPECT_EQ(sentence({.tracking_mode = "planet"}),
            "CodeCarbon: tracking_mode=planet makes no sense: it is machine or process");
  EXPECT_EQ(sentence({.country_iso_code = "France"}),
            "CodeCarbon: country_iso_code=France makes no sense: it is a code of three letters, FRA for example");
  EXPECT_EQ(sentence({.cloud_provider = "gcp"}),
            "CodeCarbon: cloud_provider=gcp makes no sense: it is set together with cloud_region, which is not set");
}

TEST_F(SettingsTest, RefuseWhatMakesNoSense) {
  EXPECT_NE(sentence({.on_csv_write = "replace"}), "");
  EXPECT_NE(sentence({.cloud_region = "europe-west9"}), "");
  EXPECT_NE(sentence({.force_carbon_intensity_g_co2e_kwh = -1}), "");
  EXPECT_NE(sentence({.force_cpu_power = -1}), "");
  EXPECT_NE(sentence({.force_ram_power = std::stod("nan")}), "");
  EXPECT_NE(sentence({.pue = 0.5}), "");
  EXPECT_NE(sentence({.wue = std::stod("inf")}), "");
  EXPECT_NE(sentence({.log_level = "loud"}), "");
  for (const char* wrong :
       {"pue = much", "save_to_file = perhaps", "measure_power_secs = 15s", "force_mode_cpu_load = 1"}) {
    config("here", std::string("[codecarbon]\n") + wrong + "\n");
    EXPECT_NE(sentence({}), "") << wrong;
  }
  config("here", "[codecarbon]\nwhat is this\n");
  EXPECT_EQ(sentence({}), "CodeCarbon: line 2 of .codecarbon.config is neither [section] nor name = value");
}

TEST_F(SettingsTest, NameWhatHasNoEffectAndNeverItsValue) {
  config("here", "[codecarbon]\napi_key = hidden\nsave_to_api = true\nunheard_of = 1\ncountry_iso_code = FRA\n");
  EXPECT_EQ(settings_of({}, "out").without_effect, (std::vector<std::string>{"api_key", "save_to_api"}));
}

TEST(ConfigFile, IsReadAsByPython) {
  const auto values = config_section(
      "# a comment\n[other]\nregion = no\n[DEFAULT]\npue=2\nwue=3\n[codecarbon]\n; another\nRegion : = x # y\n"
      "PUE=1.5\r\nproject_name = two\n  lines\nempty =\n\n",
      "f");
  EXPECT_EQ(values,
            (std::map<std::string, std::string>{
                {"empty", ""}, {"project_name", "two\nlines"}, {"pue", "1.5"}, {"region", "= x # y"}, {"wue", "3"}}));
  EXPECT_THROW(config_section("a = 1\n", "f"), std::invalid_argument);
  EXPECT_THROW(config_section("[codecarbon\n", "f"), std::invalid_argument);
  EXPECT_TRUE(config_section("", "f").empty());
}

TEST(LocationTest, IsTheNearestThatIsKnown) {
  EXPECT_EQ(location_of({.country_iso_code = "FRA"}).grams_per_kilowatt_hour, 56.039);
  EXPECT_EQ(location_of({.country_iso_code = "FRA"}).country_name, "France");
  EXPECT_EQ(location_of({.country_iso_code = "SWE", .region = "se1"}).grams_per_kilowatt_hour, 25.9);
  const Location cloud =
      location_of({.country_iso_code = "USA", .cloud_provider = "gcp", .cloud_region = "europe-west2"});
  EXPECT_EQ(cloud.grams_per_kilowatt_hour, 136);
  EXPECT_EQ(cloud.country_iso_code, "GBR");
  EXPECT_EQ(cloud.region, "England");
  EXPECT_EQ(cloud.notice, "");
}

TEST(LocationTest, SaysWhenItIsNotWhatWasAskedFor) {
  const Location nowhere = location_of({});
  EXPECT_EQ(nowhere.grams_per_kilowatt_hour, 475);
  EXPECT_EQ(nowhere.notice,
            "no country is set, so the carbon intensity of the electricity is the world's average, 475 g CO2e/kWh; set "
            "CODECARBON_COUNTRY_ISO_CODE, to FRA for example");
  EXPECT_EQ(location_of({.country_iso_code = "XYZ"}).grams_per_kilowatt_hour, 475);
  EXPECT_EQ(location_of({.country_iso_code = "XYZ"}).notice,
            "no carbon intensity is known for the country XYZ; the world's average is taken, 475 g CO2e/kWh");
  const Location aws = location_of({.country_iso_code = "FRA", .cloud_provider = "aws", .cloud_region = "eu-west-3"});
  EXPECT_EQ(aws.grams_per_kilowatt_hour, 56.039);
  EXPECT_EQ(
      aws.notice,
      "no carbon intensity is known for the region eu-west-3 of the cloud aws (only gcp publishes them); the country's "
      "is taken");
  EXPECT_NE(location_of({.country_iso_code = "USA", .region = "atlantis"}).notice, "");
  EXPECT_EQ(location_of({.country_iso_code = "FRA", .region = "bretagne"}).notice, "");  // France has none
}

TEST(LocationTest, AForcedIntensityNeedsNoCountry) {
  const Location forced = location_of({.force_carbon_intensity_g_co2e_kwh = 12.5});
  EXPECT_EQ(forced.grams_per_kilowatt_hour, 12.5);
  EXPECT_EQ(forced.notice, "");
}

}  // namespace
}  // namespace downbeat
