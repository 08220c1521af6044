// Environment variables, as Python's clients of the trackers read them.
#pragma once

#include <absl/strings/string_view.h>

#include <optional>
#include <string>

namespace downbeat {

// Nothing where the variable is not set or empty.
std::optional<std::string> environment_variable(const std::string& name);
std::string environment_variable(const std::string& name, absl::string_view otherwise);

// What a callback's option says, which wins over the variable; `otherwise` where neither says anything.
std::string chosen_setting(const std::string& option, const std::string& variable, absl::string_view otherwise = "");

// Throws std::invalid_argument: "NAME is 'VALUE': it must be ALLOWED".
[[noreturn]] void refuse_setting(const std::string& name, const std::string& value, const std::string& allowed);

// HuggingFace's: 1, ON, YES, TRUE in any case are true; everything else, and no variable, is false.
bool is_environment_true(const std::string& name);

std::string with_home(const std::string& path);  // ~ and ~/x, as os.path.expanduser

}  // namespace downbeat
