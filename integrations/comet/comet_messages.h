// The lines of a Comet archive's messages.json: {"type": ..., "payload": {...}}, as the JSON schemas of comet_ml 3.58
// ask for them. Times are milliseconds since 1970.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "callbacks/vocabulary/logs.h"

namespace downbeat {

// Null where the value is text: a metric is a number. NaN and infinities are the words "NaN", "Infinity", "-Infinity".
nlohmann::ordered_json comet_metric(const std::string& name, const Logs::Value& value, int64_t step, double epoch,
                                    int64_t time_ms);

// Lists of plain values stay lists, other nested values become their JSON text.
nlohmann::ordered_json comet_parameter(const std::string& name, const nlohmann::ordered_json& value, int64_t time_ms);

nlohmann::ordered_json comet_other(const std::string& key, const nlohmann::ordered_json& value);
nlohmann::ordered_json comet_graph(const std::string& text);
nlohmann::ordered_json comet_file_name(const std::string& path);
nlohmann::ordered_json comet_system_details();

struct CometAsset {
  std::string member;  // where it lies in the archive
  std::string name;    // as the service shows it: run/checkpoint-16/config.json
  std::string id;
  int64_t step = 0;
};
nlohmann::ordered_json comet_asset(const CometAsset& asset, int64_t time_ms);

}  // namespace downbeat
