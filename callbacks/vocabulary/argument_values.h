// How the value of an argument is written as text, on the command line and in sentences, and read from it.
//
// from_text returns what is wrong without naming value or argument: "is not an integer". One overload a type.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "callbacks/vocabulary/argument_types.h"

namespace downbeat {

absl::Status from_text(const std::string& text, bool& value);
absl::Status from_text(const std::string& text, int& value);
absl::Status from_text(const std::string& text, int64_t& value);
absl::Status from_text(const std::string& text, double& value);
absl::Status from_text(const std::string& text, std::string& value);
absl::Status from_text(const std::string& text, std::vector<std::string>& value);  // a,b
absl::Status from_text(const std::string& text, Kwargs& value);                    // a JSON object
absl::Status not_among(const std::string& text, const std::vector<std::string>& choices);

absl::Status from_text(const std::string& text, NamedEnum auto& value) {
  using Enum = std::remove_reference_t<decltype(value)>;
  const std::optional<Enum> read = from_string<Enum>(text);
  if (!read) return not_among(text, split_names(names(value)));
  value = *read;
  return absl::OkStatus();
}
template <class T>
absl::Status from_text(const std::string& text, std::optional<T>& value) {
  return from_text(text, value.emplace());
}

std::string to_text(const std::string& value);
std::string to_text(bool value);
std::string to_text(int64_t value);
std::string to_text(double value);  // the shortest that reads back the same: 500, 5e-05
std::string to_text(const std::vector<std::string>& value);
std::string to_text(const Kwargs& value);
inline std::string to_text(int value) { return to_text(int64_t{value}); }
std::string to_text(NamedEnum auto value) { return to_string(value); }
template <class T>
std::string to_text(const std::optional<T>& value) {
  return value ? to_text(*value) : "";
}

// For --help: what kind of value an argument takes, and among which names.
template <class T>
struct WithoutOptional {
  using Type = T;
};
template <class T>
struct WithoutOptional<std::optional<T>> {
  using Type = T;
};

template <class T>
std::string kind_of() {
  using Value = typename WithoutOptional<T>::Type;
  if (std::is_same_v<Value, bool>) return "true or false";
  if (std::is_integral_v<Value>) return "integer";
  if (std::is_floating_point_v<Value>) return "number";
  if (std::is_same_v<Value, std::vector<std::string>>) return "list";
  if (std::is_same_v<Value, Kwargs>) return "JSON object";
  return "text";
}

template <class T>
std::vector<std::string> choices_of() {
  using Value = typename WithoutOptional<T>::Type;
  if constexpr (NamedEnum<Value>) return split_names(names(Value{}));
  return {};
}

}  // namespace downbeat
