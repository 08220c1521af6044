// JSON and numbers laid out exactly as Python's json.dumps, repr and % do, so that files and records of both sides are
// the same byte for byte, and JSON read as json.loads does.
//
//   python_json(nlohmann::ordered_json{{"lr", 5e-05}, {"steps", {1, 2}}}) == R"({"lr": 5e-05, "steps": [1, 2]})"
//   python_float(1e16) == "1e+16"; python_float(1) == "1.0"
//
// nlohmann's own dump() writes 1e-5 as 1e-05 too, but other blanks, and null for NaN.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace downbeat {

// json.dumps(value) or, with an indent, json.dumps(value, indent=indent). ASCII only; NaN and Infinity are bare words.
// An ordered_json keeps its order, a json has its keys sorted. Bytes that are no UTF-8 become U+FFFD.
std::string python_json(const nlohmann::ordered_json& value, int indent = -1);
std::string python_json(const nlohmann::json& value, int indent = -1);

// json.loads(text): also takes NaN, Infinity and -Infinity as bare words.
absl::StatusOr<nlohmann::ordered_json> parse_python_json(absl::string_view text);

std::string python_float(double value);     // repr(value): 1.0, 1e-05, 0.0001, 1e+16, nan, inf
std::string python_float_4g(double value);  // '%.4g' % value

}  // namespace downbeat
