#include "callbacks/python_dict.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstdio>
#include <variant>

#include "callbacks/vocabulary/python_json.h"

namespace downbeat {
namespace {

int64_t characters_in(const std::string& utf8) {
  return std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

// repr(text): in single quotes, unless it has some and no double ones.
std::string python_repr(const std::string& text) {
  const bool prefer_double = text.find('\'') != std::string::npos && text.find('"') == std::string::npos;
  const char quote = prefer_double ? '"' : '\'';
  std::string out(1, quote);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      out.append(1, '\\').append(1, c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + quote;
}

std::string shown(const Logs::Value& value, int64_t max_str_len) {
  if (const auto* number = std::get_if<double>(&value)) return python_repr(python_float_4g(*number));
  if (const auto* whole = std::get_if<int64_t>(&value)) return absl::StrCat(*whole);
  const std::string& text = std::get<std::string>(value);
  const int64_t length = characters_in(text);
  if (length <= max_str_len) return python_repr(text);
  return python_repr(absl::StrCat("[a text of ", length, " characters; max_str_len=", max_str_len, " shows no more]"));
}

}  // namespace

std::string python_dict(const Logs& logs, int64_t max_str_len) {
  std::string out = "{";
  for (const auto& [name, value] : logs) {
    absl::StrAppend(&out, out.size() > 1 ? ", " : "", python_repr(name), ": ", shown(value, max_str_len));
  }
  return out + "}";
}

}  // namespace downbeat
