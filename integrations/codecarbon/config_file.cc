#include "integrations/codecarbon/config_file.h"

#include <cstdint>
#include <stdexcept>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace downbeat {
namespace {

using Values = std::map<std::string, std::string>;

bool is_comment(absl::string_view line) { return line.empty() || line.front() == '#' || line.front() == ';'; }

[[noreturn]] void refuse(const std::string& path, int64_t number, absl::string_view why) {
  throw std::invalid_argument(absl::StrCat("CodeCarbon: line ", number, " of ", path, " ", std::string(why)));
}

}  // namespace

Values config_section(absl::string_view text, const std::string& path) {
  Values values;
  Values defaults;
  Values other;
  Values* section = nullptr;
  std::string* last = nullptr;
  int64_t number = 0;
  for (const absl::string_view whole : absl::StrSplit(text, '\n')) {
    ++number;
    const absl::string_view line = absl::StripAsciiWhitespace(whole);
    if (is_comment(line)) continue;
    if (last != nullptr && absl::ascii_isspace(static_cast<unsigned char>(whole.front()))) {
      absl::StrAppend(last, "\n", line);  // an indented line goes on with the value above
      continue;
    }
    last = nullptr;
    if (line.front() == '[') {
      const std::size_t end = line.find(']');
      if (end == absl::string_view::npos) refuse(path, number, "opens a section without ]");
      const absl::string_view name = line.substr(1, end - 1);
      section = name == "codecarbon" ? &values : name == "DEFAULT" ? &defaults : &other;
      continue;
    }
    if (section == nullptr) refuse(path, number, "stands before the first [section]");
    const std::size_t at = line.find_first_of("=:");
    if (at == absl::string_view::npos || at == 0) refuse(path, number, "is neither [section] nor name = value");
    last = &(*section)[absl::AsciiStrToLower(absl::StripAsciiWhitespace(line.substr(0, at)))];
    *last = std::string(absl::StripAsciiWhitespace(line.substr(at + 1)));
  }
  values.merge(defaults);
  return values;
}

}  // namespace downbeat
