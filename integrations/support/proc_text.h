// Texts of Linux whose lines are "name: value", as /proc/meminfo, /proc/cpuinfo and /proc/self/status.
//
//   proc_values("core id\t: 0\n\ncore id\t: 1\n", "core id")          {"0", "1"}
//   proc_number("MemTotal:  4194304 kB\n", "MemTotal")               4194304
#pragma once

#include <absl/strings/string_view.h>

#include <optional>
#include <string>
#include <vector>

namespace downbeat {

// All values of that name, in their order, without the blanks around them.
std::vector<std::string> proc_values(absl::string_view text, absl::string_view name);

// The first word of the first of them; nothing where there is none or it is no number.
std::optional<double> proc_number(absl::string_view text, absl::string_view name);

}  // namespace downbeat
