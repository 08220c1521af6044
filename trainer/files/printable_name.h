// Names from files whose content nobody vouches for, for sentences.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace downbeat {

// The beginning, with escapes for what is no ASCII letter, digit or sign.
std::string printable_name(absl::string_view name);

}  // namespace downbeat
