#include "integrations/comet/comet_requests.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "integrations/comet/comet_messages.h"

namespace downbeat {
namespace {

const CometRequests kRequests("https://host");

HttpRequest request_of(const nlohmann::ordered_json& message) { return *kRequests.message("KEY", message, "runs/KEY"); }

void expect(const HttpRequest& request, const std::string& path, const std::string& body) {
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "https://host/api/rest/v2/write/experiment/" + path);
  EXPECT_EQ(request.body, body);
}

TEST(CometRequests, SendAMetric) {
  expect(request_of(comet_metric("train/loss", 0.5, 4, 0.25, 7)), "metric",
         R"({"experimentKey":"KEY","metricName":"train/loss","metricValue":0.5,"step":4,"epoch":0.25,"timestamp":7})");
}

TEST(CometRequests, SendParameters) {
  const auto sent = [](const nlohmann::ordered_json& value) {
    const HttpRequest request = request_of(comet_parameter("x", value, 7));
    return nlohmann::json::parse(request.body).at("parameterValue").dump();
  };
  EXPECT_EQ(sent(1.5), "1.5");
  EXPECT_EQ(sent(true), "true");
  EXPECT_EQ(sent("a"), R"("a")");
  EXPECT_EQ(sent(nullptr), R"("null")");
  EXPECT_EQ(sent({1, 2}), R"("[1,2]")");
  EXPECT_EQ(request_of(comet_parameter("x", 1, 7)).url, "https://host/api/rest/v2/write/experiment/parameter");
}

TEST(CometRequests, SendOthersAndGraph) {
  expect(request_of(comet_other("Name", "a")), "log-other", R"({"experimentKey":"KEY","key":"Name","value":"a"})");
  expect(request_of(comet_graph("Net")), "graph", R"({"experimentKey":"KEY","graph":"Net"})");
  expect(request_of(comet_file_name("a.cc")), "file-path", R"({"experimentKey":"KEY","filePath":"a.cc"})");
}

TEST(CometRequests, SendAnAssetAsAFile) {
  const HttpRequest request = request_of(comet_asset({"assets/1", "run/a b&c.json", "id", 8}, 7));
  EXPECT_EQ(request.url,
            "https://host/api/rest/v2/write/experiment/upload-asset?experimentKey=KEY&fileName=run%2fa%20b%26c.json"
            "&type=asset&step=8&extension=json&overwrite=false");
  EXPECT_EQ(request.multipart_file, "runs/KEY/assets/1");
  EXPECT_EQ(request.body, "");
}

TEST(CometRequests, PassOverWhatTheServiceHasNoPlaceFor) {
  EXPECT_FALSE(kRequests.message("KEY", {{"type", "standard_output"}, {"payload", {{"output", "a"}}}}, ""));
}

TEST(CometRequests, MakeAndEndAnExperiment) {
  expect(kRequests.create("KEY", "space", "project"), "create",
         R"({"workspaceName":"space","projectName":"project","experimentKey":"KEY"})");
  expect(kRequests.times("KEY", 1, 2), "set-start-end-time",
         R"({"experimentKey":"KEY","endTimeMillis":2,"startTimeMillis":1})");
  expect(kRequests.times("KEY", std::nullopt, 2), "set-start-end-time", R"({"experimentKey":"KEY","endTimeMillis":2})");
}

TEST(CometRequests, AskWithGet) {
  EXPECT_EQ(kRequests.heartbeat("KEY").method, "GET");
  EXPECT_EQ(kRequests.heartbeat("KEY").url, "https://host/api/rest/v2/write/experiment/set-status?experimentKey=KEY");
  EXPECT_EQ(kRequests.metadata("KEY").url, "https://host/api/rest/v2/experiment/metadata?experimentKey=KEY");
  EXPECT_EQ(kRequests.workspaces().url, "https://host/api/rest/v2/workspaces");
}

}  // namespace
}  // namespace downbeat
