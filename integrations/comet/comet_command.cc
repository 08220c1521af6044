#include "integrations/comet/comet_command.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "integrations/support/http_client.h"

namespace downbeat {
namespace {

constexpr const char* kHidden = "<hidden>";

bool is_secret(const std::string& name) {
  const std::string lower = absl::AsciiStrToLower(name);
  for (const char* word : {"token", "key", "password", "secret"}) {
    if (absl::StrContains(lower, word)) return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> without_secrets(std::vector<std::string> arguments) {
  bool hides_next = false;
  for (std::string& argument : arguments) {
    const bool is_flag = absl::StartsWith(argument, "-");
    const std::size_t equals = argument.find('=');
    const bool names_secret = is_secret(argument.substr(0, equals));
    if (hides_next && !is_flag) {
      argument = kHidden;
    } else if (equals != std::string::npos && names_secret) {
      argument = absl::StrCat(argument.substr(0, equals + 1), kHidden);
    } else if (absl::StrContains(argument, "://") && absl::StrContains(argument, "@")) {
      argument = without_credentials(argument);
    }
    hides_next = is_flag && equals == std::string::npos && names_secret;
  }
  return arguments;
}

}  // namespace downbeat
