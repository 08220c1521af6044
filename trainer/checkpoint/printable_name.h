// Names from files whose content nobody vouches for, for sentences.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace downbeat {

// On one line, and cut off where it is long.
std::string printable_name(absl::string_view name);

}  // namespace downbeat
