#include "integrations/comet/comet_messages.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <variant>

#include "integrations/support/json_text.h"
#include "integrations/support/machine.h"
#include "integrations/support/secrets.h"

namespace downbeat {
namespace {

using Json = nlohmann::ordered_json;

Json message(const char* type, Json payload) { return {{"type", type}, {"payload", std::move(payload)}}; }

bool is_plain(const Json& value) { return !value.is_structured(); }

Json plain(const Json& value) {
  if (value.is_structured()) return json_line(value);
  return value.is_number_float() ? json_number<Json>(value.get<double>()) : value;
}

}  // namespace

Json comet_metric(const std::string& name, const Logs::Value& value, int64_t step, double epoch, int64_t time_ms) {
  if (std::holds_alternative<std::string>(value)) return nullptr;
  const auto* integer = std::get_if<int64_t>(&value);
  return message("metric_msg",
                 {{"local_timestamp", time_ms},
                  {"metric",
                   {{"metricName", name},
                    {"metricValue", integer != nullptr ? Json(*integer) : json_number<Json>(std::get<double>(value))},
                    {"step", step},
                    {"epoch", epoch}}}});
}

Json comet_parameter(const std::string& name, const Json& value, int64_t time_ms) {
  const bool is_list = value.is_array() && std::all_of(value.begin(), value.end(), is_plain);
  Json written = is_list ? Json::array() : plain(value);
  if (is_list) std::transform(value.begin(), value.end(), std::back_inserter(written), plain);
  return message(
      "parameter_msg",
      {{"local_timestamp", time_ms},
       {is_list ? "params" : "param",
        {{"paramName", name}, {"paramValue", std::move(written)}, {"step", nullptr}, {"source", "manual"}}}});
}

Json comet_other(const std::string& key, const Json& value) {
  return message("log_other", {{"key", key}, {"value", value}});
}

Json comet_graph(const std::string& text) { return message("graph", {{"graph", text}}); }

Json comet_file_name(const std::string& path) { return message("file_name", {{"file_name", path}}); }

Json comet_system_details() {
  utsname system{};
  uname(&system);
  Json command = Json::array({program_path()});
  for (const std::string& argument : without_secrets(command_line())) command.push_back(argument);
  return message("system_details", {{"command", std::move(command)},
                                    {"env", nullptr},
                                    {"hostname", host_name()},
                                    {"ip", ""},  // asking for it would need a network
                                    {"machine", system.machine},
                                    {"os", operating_system()},
                                    {"os_release", system.release},
                                    {"os_type", system.sysname},
                                    {"pid", getpid()},
                                    {"processor", system.machine},
                                    {"python_exe", program_path()},
                                    {"python_version", ""},
                                    {"python_version_verbose", ""},
                                    {"user", user_name()}});
}

Json comet_asset(const CometAsset& asset, int64_t time_ms) {
  std::string extension = std::filesystem::path(asset.name).extension().string();
  return message("file_upload", {{"local_timestamp", time_ms},
                                 {"file_path", asset.member},
                                 {"upload_type", "asset"},
                                 {"clean", true},
                                 {"metadata", nullptr},
                                 {"additional_params",
                                  {{"context", nullptr},
                                   {"step", asset.step},
                                   {"fileName", asset.name},
                                   {"extension", extension.empty() ? "" : extension.substr(1)},
                                   {"overwrite", false},
                                   {"assetId", asset.id},
                                   {"type", "asset"}}}});
}

}  // namespace downbeat
