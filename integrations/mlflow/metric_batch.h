// MetricBatch: logged lines as MLflow's metrics, as many as go into one request.
//
//   MetricBatch batch("MLflow");
//   batch.add(record, [&](nlohmann::json entry, int64_t values) { ... });   // called when a request is full
//   batch.flush(...);                                                       // with the rest
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "integrations/support/log_record.h"

namespace downbeat {

class MetricBatch {
 public:
  using Take = std::function<void(const nlohmann::json& entry, int64_t values)>;

  explicit MetricBatch(std::string tracker) : tracker_(std::move(tracker)) {}

  void add(const LogRecord& record, const Take& take);
  void flush(const Take& take);

 private:
  struct Last {
    int64_t step;
    int64_t time;
  };

  const std::string& key_of(const std::string& name);
  int64_t time_of(const std::string& key, int64_t step, int64_t time);
  void warn_of_text(const std::string& name);

  const std::string tracker_;  // for warnings
  nlohmann::json points_ = nlohmann::json::array();
  std::unordered_map<std::string, std::string> keys_;
  std::unordered_map<std::string, Last> last_;  // by key
  std::unordered_set<std::string> texts_;       // names about which was warned
};

}  // namespace downbeat
