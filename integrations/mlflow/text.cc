#include "integrations/mlflow/text.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "callbacks/vocabulary/python_json.h"

namespace downbeat {
namespace {

constexpr std::size_t kNameCharacters = 250;

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

bool is_allowed(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("_-. :/", c); }

std::string with_allowed_characters(const std::string& name) {
  std::string allowed;
  for (const char c : name) {
    if (!is_continuation(c)) allowed += is_allowed(c) ? c : '_';
  }
  return allowed;
}

}  // namespace

std::string mlflow_name(const std::string& name) {
  std::vector<std::string> parts;
  for (const auto& part : absl::StrSplit(with_allowed_characters(name).substr(0, kNameCharacters), '/')) {
    if (part.empty()) continue;
    const bool is_step = part == "." || part == ".." || (parts.empty() && absl::StartsWith(part, ".."));
    parts.emplace_back(part);
    if (is_step) std::replace(parts.back().begin(), parts.back().end(), '.', '_');
  }
  return parts.empty() ? "_" : absl::StrJoin(parts, "/");
}

std::string mlflow_param(const nlohmann::ordered_json& value) {
  if (value.is_null()) return "None";
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return python_float(value.get<double>());  // nan, which JSON calls NaN
  return python_json(value);
}

std::string cut(const std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && is_continuation(text[bytes])) --bytes;
  return text.substr(0, bytes);
}

double number_of(const nlohmann::json& value) {
  if (value.is_number()) return value.get<double>();
  if (value == "Infinity") return std::numeric_limits<double>::infinity();
  if (value == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace downbeat
