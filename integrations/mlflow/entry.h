// The entries of an MLflow spool: what happened to a run, in order, without the id that the server gives it. Each is
// one JSON object with one name:
//
//   {"run": {"uri": "http://host:5000", "key": "9c1f...", "experiment_name": "Default", "tags": [...], ...}}
//   {"log": {"metrics": [{"key": "loss", "value": 0.5, "timestamp": 1764000000000, "step": 4}], "params": [...]}}
//   {"artifact": {"file": "/runs/a/checkpoint-8/model.safetensors", "path": "checkpoint-8/model.safetensors"}}
//   {"end": {"status": "FINISHED", "end_time": 1764000000000}}
//
// The run comes first. Times are in ms, and given when something happens, so that sending twice is storing once. No
// entry holds a secret.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace downbeat {

using MLflowTexts = std::vector<std::pair<std::string, std::string>>;  // names and values of params or tags

struct MLflowRunStart {
  std::string uri = {};     // where it is to be sent; without user info
  std::string key = {};     // random; a tag by which a run whose id never arrived is found again
  std::string run_id = {};  // of a run that exists
  bool is_resumed = false;  // there is a run of that id, or perhaps one of that key: go on with it
  bool owns_status = true;  // false: others say when the run runs and ends
  std::string experiment_name = {};
  std::string experiment_id = {};  // instead of a name
  std::string run_name = {};       // empty: the server finds one
  int64_t start_time = 0;
  MLflowTexts tags = {};
};

constexpr char kMLflowKeyTag[] = "downbeat.key";

nlohmann::json run_entry(const MLflowRunStart& start);
MLflowRunStart run_start_of(const nlohmann::json& run);  // throws nlohmann's exception where it is none

nlohmann::json metric_point(const std::string& key, double value, int64_t timestamp, int64_t step);
nlohmann::json log_entry(const std::string& kind, nlohmann::json items);  // kind: metrics, params, tags
nlohmann::json artifact_entry(const std::string& file, const std::string& path);
nlohmann::json end_entry(const std::string& status, int64_t end_time);

// As many entries as MLflow's limits for one request make of them: at most 100, and 1e6 bytes.
std::vector<nlohmann::json> text_entries(const std::string& kind, const MLflowTexts& texts);

constexpr std::size_t kMLflowMetricsPerRequest = 1000;

nlohmann::json key_value_list(const MLflowTexts& texts);  // [{"key": ..., "value": ...}, ...]

}  // namespace downbeat
