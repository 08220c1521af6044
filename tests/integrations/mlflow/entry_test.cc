#include "integrations/mlflow/entry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "integrations/mlflow/text.h"
#include "integrations/support/json_text.h"

namespace downbeat {
namespace {

using ::testing::SizeIs;

TEST(RunEntry, ComesBackAsItWas) {
  const MLflowRunStart start{.uri = "http://host:5000",
                             .key = "k",
                             .run_id = "r",
                             .is_resumed = true,
                             .owns_status = false,
                             .experiment_name = "e",
                             .experiment_id = "1",
                             .run_name = "n",
                             .start_time = 5,
                             .tags = {{"a", "b"}}};
  const MLflowRunStart read = run_start_of(nlohmann::json::parse(run_entry(start).dump()).at("run"));
  EXPECT_EQ(run_entry(read), run_entry(start));
  EXPECT_EQ(read.tags, start.tags);
}

TEST(RunEntry, OfAnotherFormIsAnException) {
  EXPECT_THROW(run_start_of(nlohmann::json::object()), nlohmann::json::exception);
  EXPECT_THROW(run_start_of(nlohmann::json::parse(R"({"uri": 5})")), nlohmann::json::exception);
}

TEST(Entries, AreWhatTheHeaderSays) {
  EXPECT_EQ(log_entry("metrics", {metric_point("loss", 0.5, 7, 4)}).dump(),
            R"({"log":{"metrics":[{"key":"loss","step":4,"timestamp":7,"value":0.5}]}})");
  EXPECT_EQ(artifact_entry("/a/b", "b").dump(), R"({"artifact":{"file":"/a/b","path":"b"}})");
  EXPECT_EQ(end_entry("FINISHED", 9).dump(), R"({"end":{"end_time":9,"status":"FINISHED"}})");
}

TEST(TextEntries, HoldAtMost100Each) {
  MLflowTexts texts;
  for (int i = 0; i < 201; ++i) texts.emplace_back("p" + std::to_string(i), "v");
  const std::vector<nlohmann::json> entries = text_entries("params", texts);
  ASSERT_THAT(entries, SizeIs(3));
  EXPECT_THAT(entries[0]["log"]["params"], SizeIs(100));
  EXPECT_THAT(entries[2]["log"]["params"], SizeIs(1));
  EXPECT_EQ(entries[2]["log"]["params"][0]["key"], "p200");
}

TEST(TextEntries, HoldAtMostAMillionBytesAsTheyAreSent) {
  const MLflowTexts texts(100, {std::string(250, 'k'), std::string(6000, '\1')});  // six bytes each as JSON
  const std::vector<nlohmann::json> entries = text_entries("params", texts);
  std::size_t count = 0;
  for (const auto& entry : entries) {
    EXPECT_LT(json_line(entry).size(), 1'000'000);
    count += entry["log"]["params"].size();
  }
  EXPECT_EQ(count, 100);
  EXPECT_THAT(entries, SizeIs(5));
}

TEST(TextEntries, OfNothingAreNone) { EXPECT_THAT(text_entries("tags", {}), SizeIs(0)); }

}  // namespace
}  // namespace downbeat
