#include "integrations/support/secrets.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

namespace downbeat {
namespace {

// <NAME> in place of the value of --name, where the name says that it is a secret; else empty.
std::string placeholder_for(const std::string& argument) {
  const std::string flag = argument.substr(0, argument.find('='));
  const std::string name = absl::AsciiStrToUpper(flag.substr(std::min(flag.find_first_not_of('-'), flag.size())));
  for (const char* word : {"TOKEN", "KEY", "PASSWORD", "SECRET"}) {
    if (absl::EndsWith(name, word)) return absl::StrCat("<", name, ">");
  }
  return "";
}

}  // namespace

std::string without_credentials(const std::string& url) {
  std::string clean = url.substr(0, url.find_first_of("?#"));
  const std::size_t scheme = clean.find("://");
  const std::size_t host = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t end = std::min(clean.find('/', host), clean.size());
  const std::size_t at = clean.rfind('@', end);
  if (at != std::string::npos && at >= host && at < end) clean.erase(host, at + 1 - host);
  return clean;
}

std::vector<std::string> without_secrets(std::vector<std::string> arguments) {
  std::string placeholder_of_next;
  for (std::string& argument : arguments) {
    const bool is_flag = absl::StartsWith(argument, "-");
    const std::size_t equals = argument.find('=');
    const std::string placeholder = placeholder_for(argument);
    if (!placeholder_of_next.empty() && !is_flag) {
      argument = placeholder_of_next;
    } else if (equals != std::string::npos && !placeholder.empty()) {
      argument = argument.substr(0, equals + 1) + placeholder;
    } else if (absl::StrContains(argument, "://") && absl::StrContains(argument, "@")) {
      argument = without_credentials(argument);
    }
    placeholder_of_next = is_flag && equals == std::string::npos ? placeholder : "";
  }
  return arguments;
}

}  // namespace downbeat
