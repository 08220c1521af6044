#include "integrations/mlflow/params.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/message.h"
#include "integrations/mlflow/text.h"
#include "integrations/support/run_parameters.h"

namespace downbeat {
namespace {

std::vector<std::pair<std::string, nlohmann::ordered_json>> named_values(const nlohmann::ordered_json& object,
                                                                         bool is_flat) {
  if (is_flat) return flatten(object, ".");
  std::vector<std::pair<std::string, nlohmann::ordered_json>> all;
  for (const auto& [name, value] : object.items()) all.emplace_back(name, value);
  return all;
}

}  // namespace

MLflowParams mlflow_params(const TrainingArguments& args, const ModelDescription* model,
                           const MLflowParamsOptions& options) {
  MLflowParams all;
  std::set<std::string> keys;
  int64_t left = options.max_params.value_or(std::numeric_limits<int64_t>::max());
  for (const auto& [name, value] : named_values(run_parameters(args, model), options.flatten)) {
    if (left-- <= 0) break;
    if (options.is_resumed && name == "resume_from_checkpoint") continue;
    const std::string key = mlflow_name(name);
    if (!keys.insert(key).second) {
      warn(absl::StrCat(options.tracker, ": the param ", cut(name, 100),
                        " is left out, as there is one already that MLflow calls ", cut(key, 100)));
      continue;
    }
    const std::string text = mlflow_param(value);
    all.params.emplace_back(key, cut(text, kMLflowParamBytes));
    if (text.size() > kMLflowParamBytes) all.cut.push_back(key);
  }
  return all;
}

}  // namespace downbeat
