// Texts of a file inside a sentence about it: a damaged file can have any bytes there, as many as it is large.
#pragma once

#include <string>
#include <string_view>

#include "absl/strings/escaping.h"

namespace downbeat {

// The beginning, with escapes for what is no ASCII letter, digit or sign.
inline std::string shown_text(std::string_view text) { return absl::CHexEscape(std::string(text.substr(0, 100))); }

}  // namespace downbeat
