#include "integrations/support/environment.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <cstdlib>
#include <stdexcept>

namespace downbeat {

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::string environment_variable(const std::string& name, absl::string_view otherwise) {
  return environment_variable(name).value_or(std::string(otherwise));
}

std::string chosen_setting(const std::string& option, const std::string& variable, absl::string_view otherwise) {
  return option.empty() ? environment_variable(variable, otherwise) : option;
}

void refuse_setting(const std::string& name, const std::string& value, const std::string& allowed) {
  throw std::invalid_argument(absl::StrCat(name, " is '", value, "': it must be ", allowed));
}

bool is_environment_true(const std::string& name) {
  const std::string value = absl::AsciiStrToUpper(environment_variable(name, ""));
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

std::string with_home(const std::string& path) {
  const std::optional<std::string> home = environment_variable("HOME");
  const bool is_below = path == "~" || absl::StartsWith(path, "~/");
  return home && is_below ? *home + path.substr(1) : path;
}

}  // namespace downbeat
