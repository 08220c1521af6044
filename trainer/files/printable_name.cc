#include "trainer/files/printable_name.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace downbeat {

std::string printable_name(absl::string_view name) {
  constexpr std::size_t kLongest = 200;
  const std::string text = absl::CHexEscape(name.substr(0, kLongest));
  return name.size() > kLongest ? absl::StrCat(text, "...") : text;
}

}  // namespace downbeat
