#include "integrations/mlflow/entry.h"

#include "integrations/support/json_text.h"

namespace downbeat {
namespace {

constexpr std::size_t kTextsPerRequest = 100;
constexpr std::size_t kTextBytesPerRequest = 900'000;

nlohmann::json key_value(const std::pair<std::string, std::string>& text) {
  return {{"key", text.first}, {"value", text.second}};
}

}  // namespace

nlohmann::json run_entry(const MLflowRunStart& start) {
  return {{"run",
           {{"uri", start.uri},
            {"key", start.key},
            {"run_id", start.run_id},
            {"is_resumed", start.is_resumed},
            {"owns_status", start.owns_status},
            {"experiment_name", start.experiment_name},
            {"experiment_id", start.experiment_id},
            {"run_name", start.run_name},
            {"start_time", start.start_time},
            {"tags", key_value_list(start.tags)}}}};
}

MLflowRunStart run_start_of(const nlohmann::json& run) {
  MLflowRunStart start{.uri = run.at("uri"),
                       .key = run.at("key"),
                       .run_id = run.at("run_id"),
                       .is_resumed = run.at("is_resumed"),
                       .owns_status = run.at("owns_status"),
                       .experiment_name = run.at("experiment_name"),
                       .experiment_id = run.at("experiment_id"),
                       .run_name = run.at("run_name"),
                       .start_time = run.at("start_time"),
                       .tags = {}};
  for (const auto& tag : run.at("tags")) start.tags.emplace_back(tag.at("key"), tag.at("value"));
  return start;
}

// A bare NaN would be stored as 0.
nlohmann::json metric_point(const std::string& key, double value, int64_t timestamp, int64_t step) {
  return {{"key", key}, {"value", json_number(value)}, {"timestamp", timestamp}, {"step", step}};
}

nlohmann::json log_entry(const std::string& kind, nlohmann::json items) {
  return {{"log", {{kind, std::move(items)}}}};
}

nlohmann::json artifact_entry(const std::string& file, const std::string& path) {
  return {{"artifact", {{"file", file}, {"path", path}}}};
}

nlohmann::json end_entry(const std::string& status, int64_t end_time) {
  return {{"end", {{"status", status}, {"end_time", end_time}}}};
}

nlohmann::json key_value_list(const MLflowTexts& texts) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& text : texts) list.push_back(key_value(text));
  return list;
}

std::vector<nlohmann::json> text_entries(const std::string& kind, const MLflowTexts& texts) {
  std::vector<nlohmann::json> entries;
  nlohmann::json items = nlohmann::json::array();
  std::size_t bytes = 0;
  const auto finish_entry = [&] {
    if (!items.empty()) entries.push_back(log_entry(kind, std::exchange(items, nlohmann::json::array())));
    bytes = 0;
  };
  for (const auto& text : texts) {
    nlohmann::json item = key_value(text);
    const std::size_t size = json_line(item).size() + 1;
    if (items.size() == kTextsPerRequest || bytes + size > kTextBytesPerRequest) finish_entry();
    items.push_back(std::move(item));
    bytes += size;
  }
  finish_entry();
  return entries;
}

}  // namespace downbeat
