#include "callbacks/vocabulary/training_arguments_json.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "callbacks/vocabulary/argument_values.h"
#include "callbacks/vocabulary/nearest_name.h"
#include "callbacks/vocabulary/python_json.h"
#include "callbacks/vocabulary/training_arguments_checks.h"

namespace downbeat {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Kwargs& value) { return value.empty() ? Json() : *parse_python_json(to_text(value)); }
Json json_of(const NamedEnum auto& value) { return to_string(value); }
template <class T>
Json json_of(const T& value) {
  return value;
}
template <class T>
Json json_of(const std::optional<T>& value) {
  return value ? json_of(*value) : Json();
}

// HuggingFace holds whole numbers of steps as Python integers.
Json with_whole_steps(const std::string& name, Json value) {
  const bool counts_steps = absl::EndsWith(name, "_steps") || name == "eval_delay";
  if (!counts_steps || !value.is_number_float()) return value;
  const double steps = value.get<double>();
  if (std::abs(steps) < 1e15 && steps == std::trunc(steps)) return static_cast<int64_t>(steps);
  return value;
}

absl::Status not_a_list() { return absl::InvalidArgumentError("is not a list of texts"); }

// A list is given back item by item; everything else is read as on the command line, without JSON's quotes.
absl::Status set_from(const Json& json, std::vector<std::string>& value) {
  if (!json.is_array()) return json.is_string() ? from_text(json.get<std::string>(), value) : not_a_list();
  value.clear();
  for (const Json& item : json) {
    if (!item.is_string()) return not_a_list();
    value.push_back(item.get<std::string>());
  }
  return absl::OkStatus();
}
template <class T>
absl::Status set_from(const Json& json, T& value) {
  if (json.is_structured() && !std::is_same_v<T, Kwargs>) return absl::InvalidArgumentError("is not a single value");
  return from_text(json.is_string() ? json.get<std::string>() : python_json(json), value);
}

template <class T>
absl::Status set_field(const std::string& name, const Json& json, T& field, const T& default_value) {
  if (json.is_null()) {
    field = default_value;
    return absl::OkStatus();
  }
  const absl::Status status = set_from(json, field);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(absl::StrCat(name, "=", python_json(json), " ", std::string(status.message())));
}

// Sets the field `name` from `json`; a sentence if there is none.
absl::Status set(const std::string& name, const Json& json, TrainingArguments& args) {
  static const auto& defaults = *new TrainingArguments;
  absl::Status status;
  bool found = false;
  std::vector<std::string> names;
  TrainingArguments::describe([&](const char* field, auto member, auto...) {
    names.push_back(field);
    if (name != field) return;
    found = true;
    status = set_field(name, json, args.*member, defaults.*member);
  });
  if (found) return status;
  if (const char* why = refusal(name)) {
    return json.is_null() ? absl::OkStatus() : absl::InvalidArgumentError(absl::StrCat(name, " ", why));
  }
  return absl::InvalidArgumentError(absl::StrCat("no argument is called ", name, did_you_mean(name, names)));
}

}  // namespace

std::string to_json(const TrainingArguments& args) {
  Json json;
  TrainingArguments::describe(
      [&](const char* name, auto member, auto...) { json[name] = with_whole_steps(name, json_of(args.*member)); });
  return python_json(json, 2);
}

absl::StatusOr<TrainingArguments> from_json(absl::string_view text) {
  const absl::StatusOr<Json> json = parse_python_json(text);
  if (!json.ok()) return json.status();
  if (!json->is_object()) return absl::InvalidArgumentError("training arguments are a JSON object");
  TrainingArguments args;
  for (auto item = json->begin(); item != json->end(); ++item) {
    if (const absl::Status status = set(item.key(), *item, args); !status.ok()) return status;
  }
  return args;
}

}  // namespace downbeat
