#include "integrations/mlflow/metric_batch.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/message.h"
#include "integrations/mlflow/entry.h"
#include "integrations/mlflow/text.h"

namespace downbeat {

void MetricBatch::add(const LogRecord& record, const Take& take) {
  for (const auto& [name, value] : record.logs) {
    if (std::holds_alternative<std::string>(value)) {
      warn_of_text(name);
      continue;
    }
    const std::string& key = key_of(name);
    points_.push_back(
        metric_point(key, number_or(value, 0), time_of(key, record.step, record.time_us / 1000), record.step));
    if (points_.size() == kMLflowMetricsPerRequest) flush(take);
  }
}

void MetricBatch::flush(const Take& take) {
  if (points_.empty()) return;
  const auto values = static_cast<int64_t>(points_.size());
  take(log_entry("metrics", std::exchange(points_, nlohmann::json::array())), values);
}

const std::string& MetricBatch::key_of(const std::string& name) {
  const auto found = keys_.find(name);
  if (found != keys_.end()) return found->second;
  std::string key = mlflow_name(name);
  if (key != name) {
    warn(absl::StrCat(tracker_, ": ", cut(name, 100), " is logged as ", cut(key, 100),
                      ", as its name has characters or a length that MLflow does not take"));
  }
  return keys_.emplace(name, std::move(key)).first->second;
}

// A point of the same step, time and value as an earlier one would be taken for the same point sent twice, and readers
// order by time.
int64_t MetricBatch::time_of(const std::string& key, int64_t step, int64_t time) {
  const auto found = last_.find(key);
  if (found != last_.end()) time = std::max(time, found->second.time + (found->second.step == step ? 1 : 0));
  last_[key] = {step, time};
  return time;
}

void MetricBatch::warn_of_text(const std::string& name) {
  if (!texts_.insert(name).second) return;
  warn(absl::StrCat(tracker_, ": ", cut(name, 100), " is text and left out: metrics are numbers"));
}

}  // namespace downbeat
