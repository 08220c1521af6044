#include "integrations/comet/comet_requests.h"

#include <absl/strings/str_cat.h>

#include "integrations/support/json_text.h"

namespace downbeat {
namespace {

using Json = nlohmann::ordered_json;

// The service keeps parameters as text: what is neither text nor a number goes as its JSON.
Json parameter_value(const Json& value) {
  return value.is_structured() || value.is_null() ? Json(json_line(value)) : value;
}

Json metric(const std::string& key, const Json& payload) {
  const Json& point = payload.at("metric");
  return {
      {"experimentKey", key},     {"metricName", point.at("metricName")}, {"metricValue", point.at("metricValue")},
      {"step", point.at("step")}, {"epoch", point.at("epoch")},           {"timestamp", payload.at("local_timestamp")}};
}

Json parameter(const std::string& key, const Json& payload) {
  const Json& one = payload.contains("param") ? payload.at("param") : payload.at("params");
  return {{"experimentKey", key},
          {"parameterName", one.at("paramName")},
          {"parameterValue", parameter_value(one.at("paramValue"))},
          {"timestamp", payload.at("local_timestamp")}};
}

Json system_details(const std::string& key, const Json& payload) {
  return {{"experimentKey", key},
          {"command", payload.at("command")},
          {"executable", payload.at("python_exe")},
          {"hostname", payload.at("hostname")},
          {"machine", payload.at("machine")},
          {"os", payload.at("os")},
          {"osRelease", payload.at("os_release")},
          {"osType", payload.at("os_type")},
          {"pid", payload.at("pid")},
          {"processor", payload.at("processor")},
          {"user", payload.at("user")}};
}

}  // namespace

HttpRequest CometRequests::write(const std::string& path, const Json& body) const {
  return {.method = "POST", .url = absl::StrCat(base_, "write/experiment/", path), .body = json_line(body)};
}

HttpRequest CometRequests::workspaces() const { return {.url = base_ + "workspaces"}; }

HttpRequest CometRequests::create(const std::string& key, const std::string& workspace,
                                  const std::string& project) const {
  return write("create", {{"workspaceName", workspace}, {"projectName", project}, {"experimentKey", key}});
}

HttpRequest CometRequests::metadata(const std::string& key) const {
  return {.url = absl::StrCat(base_, "experiment/metadata?experimentKey=", key)};
}

HttpRequest CometRequests::heartbeat(const std::string& key) const {
  return {.url = absl::StrCat(base_, "write/experiment/set-status?experimentKey=", key)};
}

HttpRequest CometRequests::times(const std::string& key, std::optional<int64_t> start_ms, int64_t end_ms) const {
  Json body = {{"experimentKey", key}, {"endTimeMillis", end_ms}};
  if (start_ms) body["startTimeMillis"] = *start_ms;
  return write("set-start-end-time", body);
}

HttpRequest CometRequests::upload(const std::string& key, const Json& payload, const std::string& directory) const {
  const Json& about = payload.at("additional_params");
  const auto encoded = [&](const char* name) { return percent_encoded(about.at(name).get<std::string>()); };
  return {.method = "POST",
          .url = absl::StrCat(base_, "write/experiment/upload-asset?experimentKey=", key,
                              "&fileName=", encoded("fileName"), "&type=asset&step=", about.at("step").get<int64_t>(),
                              "&extension=", encoded("extension"), "&overwrite=false"),
          .multipart_file = absl::StrCat(directory, "/", payload.at("file_path").get<std::string>())};
}

std::optional<HttpRequest> CometRequests::message(const std::string& key, const Json& message,
                                                  const std::string& directory) const {
  const std::string type = message.at("type");
  const Json& payload = message.at("payload");
  if (type == "metric_msg") return write("metric", metric(key, payload));
  if (type == "parameter_msg") return write("parameter", parameter(key, payload));
  if (type == "log_other") {
    return write("log-other", {{"experimentKey", key}, {"key", payload.at("key")}, {"value", payload.at("value")}});
  }
  if (type == "graph") return write("graph", {{"experimentKey", key}, {"graph", payload.at("graph")}});
  if (type == "file_name") return write("file-path", {{"experimentKey", key}, {"filePath", payload.at("file_name")}});
  if (type == "system_details") return write("system-details", system_details(key, payload));
  if (type == "file_upload") return upload(key, payload, directory);
  return std::nullopt;
}

}  // namespace downbeat
