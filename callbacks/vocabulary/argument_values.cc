#include "callbacks/vocabulary/argument_values.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "callbacks/vocabulary/nearest_name.h"
#include "callbacks/vocabulary/python_json.h"

namespace downbeat {
namespace {

bool is_one_of(const std::string& word, const std::vector<std::string>& all) {
  return std::find(all.begin(), all.end(), word) != all.end();
}

template <class Integer>
absl::Status integer_from_text(const std::string& text, Integer& value) {
  if (absl::SimpleAtoi(text, &value)) return absl::OkStatus();
  const bool has_digits_only = !text.empty() && text.find_first_not_of("0123456789", text[0] == '-') == text.npos;
  return absl::InvalidArgumentError(has_digits_only && text != "-" ? "is too large an integer" : "is not an integer");
}

absl::Status scalar_from_json(const nlohmann::ordered_json& json, Scalar& value) {
  const bool fits = !json.is_number_unsigned() || json.get<uint64_t>() <= std::numeric_limits<int64_t>::max();
  if (json.is_boolean()) {
    value = json.get<bool>();
  } else if (json.is_number_integer() && fits) {
    value = json.get<int64_t>();
  } else if (json.is_number()) {
    value = json.get<double>();
  } else if (json.is_string()) {
    value = json.get<std::string>();
  } else {
    return absl::InvalidArgumentError("holds something other than numbers, texts, true and false");
  }
  return absl::OkStatus();
}

}  // namespace

// HuggingFace's words, and on and off.
absl::Status from_text(const std::string& text, bool& value) {
  const std::string lower = absl::AsciiStrToLower(text);
  value = is_one_of(lower, {"true", "yes", "on", "t", "y", "1"});
  if (value || is_one_of(lower, {"false", "no", "off", "f", "n", "0"})) return absl::OkStatus();
  return absl::InvalidArgumentError("is neither true nor false");
}

absl::Status from_text(const std::string& text, int& value) { return integer_from_text(text, value); }
absl::Status from_text(const std::string& text, int64_t& value) { return integer_from_text(text, value); }

absl::Status from_text(const std::string& text, double& value) {
  return absl::SimpleAtod(text, &value) ? absl::OkStatus() : absl::InvalidArgumentError("is not a number");
}

absl::Status from_text(const std::string& text, std::string& value) {
  value = text;
  return absl::OkStatus();
}

absl::Status from_text(const std::string& text, std::vector<std::string>& value) {
  value = absl::StrSplit(text, ',', absl::SkipEmpty());
  return absl::OkStatus();
}

absl::Status from_text(const std::string& text, Kwargs& value) {
  value.clear();
  const absl::StatusOr<nlohmann::ordered_json> object = parse_python_json(text);
  if (!object.ok() || !object->is_object()) {
    return absl::InvalidArgumentError("is not a JSON object like {\"num_cycles\": 2}");
  }
  for (auto item = object->begin(); item != object->end(); ++item) {
    if (const absl::Status status = scalar_from_json(*item, value[item.key()]); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status not_among(const std::string& text, const std::vector<std::string>& choices) {
  if (choices.size() == 1) return absl::InvalidArgumentError(absl::StrCat("must be ", choices[0]));
  return absl::InvalidArgumentError(
      absl::StrCat("is none of ", absl::StrJoin(choices, ", "), did_you_mean(text, choices)));
}

std::string to_text(const std::string& value) { return value; }
std::string to_text(bool value) { return value ? "true" : "false"; }
std::string to_text(int64_t value) { return absl::StrCat(value); }
std::string to_text(double value) {
  const std::string text = python_float(value);
  return absl::EndsWith(text, ".0") ? text.substr(0, text.size() - 2) : text;
}
std::string to_text(const std::vector<std::string>& value) { return absl::StrJoin(value, ","); }
std::string to_text(const Kwargs& value) {
  if (value.empty()) return "";
  nlohmann::ordered_json object;
  for (const auto& item : value) {
    std::visit([&](const auto& scalar) { object[item.first] = scalar; }, item.second);
  }
  return python_json(object);
}

}  // namespace downbeat
