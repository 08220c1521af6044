#include "integrations/comet/comet_settings.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

namespace downbeat {
namespace {

// Environment variables of Comet for one test.
class CometSettingsTest : public testing::Test {
 protected:
  void SetUp() override { TearDown(); }
  void TearDown() override {
    for (const char* name :
         {"COMET_MODE", "COMET_START_ONLINE", "COMET_API_KEY", "COMET_URL_OVERRIDE", "COMET_WORKSPACE",
          "COMET_PROJECT_NAME", "COMET_EXPERIMENT_KEY", "COMET_OFFLINE_DIRECTORY", "COMET_LOG_ASSETS"}) {
      unsetenv(name);
    }
  }
  static void set(const char* name, const char* value) { setenv(name, value, 1); }

  static std::string sentence(const CometOptions& options = {}) {
    try {
      comet_settings(options);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(CometSettingsTest, AreOfflineWithoutAKey) {
  const CometSettings settings = comet_settings({});
  EXPECT_FALSE(settings.is_online);
  EXPECT_TRUE(settings.lacks_key);
  EXPECT_TRUE(settings.is_enabled);
  EXPECT_EQ(settings.mode, "get_or_create");
  EXPECT_EQ(settings.offline_directory, ".cometml-runs");
  EXPECT_FALSE(settings.log_assets);
}

TEST_F(CometSettingsTest, AreOnlineWithAKey) {
  set("COMET_API_KEY", "key");
  EXPECT_TRUE(comet_settings({}).is_online);
  EXPECT_EQ(comet_settings({}).server, "https://www.comet.com");
}

TEST_F(CometSettingsTest, AreOfflineWhenAsked) {
  set("COMET_API_KEY", "key");
  for (const char* value : {"0", "false", "NO", "off"}) {
    set("COMET_START_ONLINE", value);
    EXPECT_FALSE(comet_settings({}).is_online) << value;
    EXPECT_FALSE(comet_settings({}).lacks_key) << value;
  }
}

TEST_F(CometSettingsTest, RefuseToBeOnlineWithoutAKey) {
  for (const char* value : {"1", "true", "YES", "on"}) {
    set("COMET_START_ONLINE", value);
    EXPECT_EQ(sentence(),
              "COMET_START_ONLINE is 1 and COMET_API_KEY is not set; set COMET_API_KEY, or COMET_START_ONLINE=0 to "
              "keep the run in an archive");
  }
}

TEST_F(CometSettingsTest, NameAValueThatTheyDoNotKnow) {
  set("COMET_START_ONLINE", "maybe");
  EXPECT_EQ(sentence(), "COMET_START_ONLINE is maybe; it must be 1 or 0");
}

TEST_F(CometSettingsTest, RefuseAKeyOfAnotherForm) {
  for (const std::string& key : {std::string("short"), std::string(51, 'a'), std::string(32, '-')}) {
    EXPECT_EQ(sentence({.experiment_key = key}),
              "COMET_EXPERIMENT_KEY is " + key + "; it must have 32 to 50 letters and digits, and nothing else");
  }
  EXPECT_EQ(sentence({.experiment_key = std::string(32, 'a')}), "");
  EXPECT_EQ(sentence({.experiment_key = std::string(50, 'Z')}), "");
}

TEST_F(CometSettingsTest, TurnReportingOffForAnUnknownMode) {
  set("COMET_MODE", "OFFLINE");
  EXPECT_FALSE(comet_settings({}).is_enabled);
  set("COMET_START_ONLINE", "1");
  EXPECT_EQ(sentence(), "");  // nothing is reported, so that nothing is missing
  set("COMET_MODE", "Create");
  set("COMET_START_ONLINE", "0");
  EXPECT_EQ(comet_settings({}).mode, "create");
}

TEST_F(CometSettingsTest, PreferOptionsToTheEnvironment) {
  set("COMET_API_KEY", "theirs");
  set("COMET_PROJECT_NAME", "theirs");
  set("COMET_LOG_ASSETS", "TRUE");
  set("COMET_START_ONLINE", "0");
  const CometSettings settings =
      comet_settings({.online = true, .api_key = "ours", .project_name = "ours", .log_assets = false});
  EXPECT_TRUE(settings.is_online);
  EXPECT_EQ(settings.api_key, "ours");
  EXPECT_EQ(settings.project_name, "ours");
  EXPECT_FALSE(settings.log_assets);
}

TEST_F(CometSettingsTest, KeepSchemeAndHostOfTheAddress) {
  const auto server = [](const std::string& url) { return comet_settings({.url = url}).server; };
  EXPECT_EQ(server("https://comet.example/clientlib/"), "https://comet.example");
  EXPECT_EQ(server("http://127.0.0.1:8080/clientlib/"), "http://127.0.0.1:8080");
  EXPECT_EQ(server("comet.example"), "https://comet.example");
  EXPECT_EQ(server("https://me:secret@comet.example/x?y"), "https://comet.example");
}

TEST_F(CometSettingsTest, TakeTrueAndOneForAssets) {
  for (const char* value : {"TRUE", "true", "1"}) {
    set("COMET_LOG_ASSETS", value);
    EXPECT_TRUE(comet_settings({}).log_assets) << value;
  }
  for (const char* value : {"FALSE", "yes", ""}) {
    set("COMET_LOG_ASSETS", value);
    EXPECT_FALSE(comet_settings({}).log_assets) << value;
  }
}

}  // namespace
}  // namespace downbeat
