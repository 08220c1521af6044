#include "integrations/support/run_parameters.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>

#include "callbacks/vocabulary/python_json.h"
#include "callbacks/vocabulary/training_arguments_json.h"

namespace downbeat {
namespace {

nlohmann::ordered_json object_in(const std::string& text) {
  const auto parsed = parse_python_json(text);
  return parsed.ok() && parsed->is_object() ? *parsed : nlohmann::ordered_json::object();
}

void flatten_into(const std::string& prefix, const nlohmann::ordered_json& object, const std::string& separator,
                  std::vector<std::pair<std::string, nlohmann::ordered_json>>& all) {
  for (const auto& [name, value] : object.items()) {
    const std::string full = prefix.empty() ? name : absl::StrCat(prefix, separator, name);
    if (value.is_object() && !value.empty()) {
      flatten_into(full, value, separator, all);
    } else {
      all.emplace_back(full, value);
    }
  }
}

}  // namespace

nlohmann::ordered_json arguments_of_run(const TrainingArguments& args) {
  nlohmann::ordered_json all = object_in(to_json(args));
  for (auto& [name, value] : all.items()) {
    if (absl::EndsWith(name, "_token")) value = absl::StrCat("<", absl::AsciiStrToUpper(name), ">");
  }
  return all;
}

nlohmann::ordered_json config_of_model(const ModelDescription* model) {
  return model != nullptr ? object_in(model->config()) : nlohmann::ordered_json::object();
}

nlohmann::ordered_json run_parameters(const TrainingArguments& args, const ModelDescription* model) {
  nlohmann::ordered_json all = config_of_model(model);
  all.update(arguments_of_run(args));
  return all;
}

std::vector<std::pair<std::string, nlohmann::ordered_json>> flatten(const nlohmann::ordered_json& object,
                                                                    const std::string& separator) {
  std::vector<std::pair<std::string, nlohmann::ordered_json>> all;
  flatten_into("", object, separator, all);
  return all;
}

}  // namespace downbeat
