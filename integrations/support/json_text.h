// JSON and text as trackers keep and send them: whole, whatever a name or a number holds.
//
//   json_line({{"loss", json_number(value)}})      {"loss":0.5}, {"loss":"NaN"}
//   text_named(answer, "run_id")                   "" where the answer has none
//
// For JSON as Python lays it out see callbacks/vocabulary/python_json.h.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

namespace downbeat {

std::string valid_utf8(const std::string& text);  // other bytes become U+FFFD

// On one line, without its end; bytes that are no UTF-8 become U+FFFD.
std::string json_line(const nlohmann::json& value);
std::string json_line(const nlohmann::ordered_json& value);

// A finite number as it is, else "NaN", "Infinity", "-Infinity": JSON has no such numbers.
template <class Json = nlohmann::json>
Json json_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

// The text that an object has under that name; empty where it has none, or is no object.
template <class Json>
std::string text_named(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->template get<std::string>() : "";
}

}  // namespace downbeat
