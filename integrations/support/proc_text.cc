#include "integrations/support/proc_text.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

#include <utility>

namespace downbeat {

std::vector<std::string> proc_values(absl::string_view text, absl::string_view name) {
  std::vector<std::string> values;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::StripAsciiWhitespace(parts.first) != name) continue;
    values.emplace_back(absl::StripAsciiWhitespace(parts.second));
  }
  return values;
}

std::optional<double> proc_number(absl::string_view text, absl::string_view name) {
  const std::vector<std::string> values = proc_values(text, name);
  if (values.empty()) return std::nullopt;
  double number = 0;
  return absl::SimpleAtod(values.front().substr(0, values.front().find(' ')), &number) ? std::optional(number)
                                                                                       : std::nullopt;
}

}  // namespace downbeat
