#include "callbacks/vocabulary/python_json.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <deque>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace downbeat {
namespace {

using Json = nlohmann::ordered_json;

std::string json_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return python_float(value);
}

template <class AnyJson>
std::string string_literal(const std::string& text) {
  constexpr bool kAsciiOnly = true;
  return AnyJson(text).dump(-1, ' ', kAsciiOnly, AnyJson::error_handler_t::replace);
}

template <class AnyJson>
std::string scalar(const AnyJson& value) {
  if (value.is_number_float()) return json_number(value.template get<double>());
  if (value.is_string()) return string_literal<AnyJson>(value.template get<std::string>());
  return value.dump();  // null, booleans, integers, and the empty [] and {}
}

template <class AnyJson>
void append(const AnyJson& value, int indent, int depth, std::string& out) {
  if (!value.is_structured() || value.empty()) {
    out += scalar(value);
    return;
  }
  const auto new_line = [&](int level) {
    if (indent >= 0) out.append("\n").append(static_cast<size_t>(indent) * level, ' ');
  };
  out += value.is_object() ? '{' : '[';
  for (auto item = value.begin(); item != value.end(); ++item) {
    if (item != value.begin()) out += indent >= 0 ? "," : ", ";
    new_line(depth + 1);
    if (value.is_object()) out += string_literal<AnyJson>(item.key()) + ": ";
    append(*item, indent, depth + 1, out);
  }
  new_line(depth);
  out += value.is_object() ? '}' : ']';
}

// The sign, digits and decimal exponent of a finite number, as few digits as read back to it: -12.5 is "-", "125", 1.
struct Decimal {
  std::string sign, digits;
  int exponent;
};
Decimal shortest_decimal(double value) {
  char buffer[32];
  char* end = std::to_chars(buffer, buffer + sizeof buffer, std::abs(value), std::chars_format::scientific).ptr;
  const std::string text(buffer, end);  // 1.25e+01
  const size_t e = text.find('e');
  std::string digits = text.substr(0, e);
  if (digits.size() > 1) digits.erase(1, 1);
  return {std::signbit(value) ? "-" : "", digits, std::atoi(text.c_str() + e + 1)};
}

// Length of the string literal that the text begins with.
size_t literal_length(absl::string_view text) {
  size_t i = 1;
  while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
  return std::min(i + 1, text.size());
}

// nlohmann knows no bare NaN and Infinity: they become null, and `nulls` says of each null in order what it was.
std::string without_bare_words(absl::string_view text, std::deque<std::optional<double>>& nulls) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::pair<absl::string_view, std::optional<double>> words[] = {
      {"null", std::nullopt}, {"NaN", std::nan("")}, {"Infinity", kInfinity}, {"-Infinity", -kInfinity}};
  std::string out;
  while (!text.empty()) {
    const auto word = std::find_if(std::begin(words), std::end(words),
                                   [&](const auto& candidate) { return absl::StartsWith(text, candidate.first); });
    size_t length = text[0] == '"' ? literal_length(text) : 1;
    if (word == std::end(words)) {
      absl::StrAppend(&out, text.substr(0, length));
    } else {
      out += "null";
      nulls.push_back(word->second);
      length = word->first.size();
    }
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace

std::string python_json(const Json& value, int indent) {
  std::string out;
  append(value, indent, 0, out);
  return out;
}
std::string python_json(const nlohmann::json& value, int indent) {
  std::string out;
  append(value, indent, 0, out);
  return out;
}

absl::StatusOr<Json> parse_python_json(absl::string_view text) {
  std::deque<std::optional<double>> nulls;
  const std::string plain = without_bare_words(text, nulls);
  const auto give_back_words = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::value && value.is_null()) {
      if (nulls.front()) value = *nulls.front();
      nulls.pop_front();
    }
    return true;
  };
  try {
    return Json::parse(plain, give_back_words);
  } catch (const Json::exception& wrong) {
    return absl::InvalidArgumentError(absl::StrCat("not JSON: ", wrong.what()));
  }
}

std::string python_float(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  const auto [sign, digits, exponent] = shortest_decimal(value);
  const int before_point = exponent + 1;
  if (exponent < -4 || exponent >= 16) {
    const std::string fraction = digits.size() > 1 ? "." + digits.substr(1) : "";
    return absl::StrCat(sign, digits.substr(0, 1), fraction, absl::StrFormat("e%+03d", exponent));
  }
  if (before_point <= 0) return absl::StrCat(sign, "0.", std::string(-before_point, '0'), digits);
  const int zeros = before_point - static_cast<int>(digits.size());
  if (zeros >= 0) return absl::StrCat(sign, digits, std::string(zeros, '0'), ".0");
  return absl::StrCat(sign, digits.substr(0, before_point), ".", digits.substr(before_point));
}

std::string python_float_4g(double value) {
  if (std::isnan(value)) return "nan";
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::general, 4).ptr};
}

}  // namespace downbeat
