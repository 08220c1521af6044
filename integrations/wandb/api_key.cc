#include "integrations/wandb/api_key.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include <optional>
#include <vector>

#include "integrations/support/environment.h"
#include "integrations/support/small_file.h"

namespace downbeat {
namespace {

std::optional<std::string> netrc() {
  if (const auto chosen = environment_variable("NETRC")) return read_small_file(with_home(*chosen));
  std::optional<std::string> text = read_small_file(with_home("~/.netrc"));
  return text ? text : read_small_file(with_home("~/_netrc"));
}

std::string without_quotes(absl::string_view word) {
  for (const char* quote : {"'", "\""}) {
    if (word.size() >= 2 && absl::ConsumePrefix(&word, quote)) absl::ConsumeSuffix(&word, quote);
  }
  return std::string(word);
}

std::vector<std::string> words_of(absl::string_view netrc) {
  std::vector<std::string> words;
  for (const absl::string_view line : absl::StrSplit(netrc, '\n')) {
    for (const absl::string_view word : absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty())) {
      if (word[0] == '#') break;
      words.push_back(without_quotes(word));
    }
  }
  return words;
}

}  // namespace

bool has_api_key() {
  if (environment_variable("WANDB_API_KEY") || environment_variable("WANDB_IDENTITY_TOKEN_FILE")) return true;
  const std::optional<std::string> text = netrc();
  return text && netrc_has_password(*text, wandb_host());
}

std::string wandb_host() {
  const std::string url = environment_variable("WANDB_BASE_URL", "https://api.wandb.ai");
  const std::size_t scheme = url.find("://");
  const std::string rest = scheme == std::string::npos ? url : url.substr(scheme + 3);
  const std::string authority = rest.substr(0, rest.find_first_of("/?#"));
  return authority.substr(authority.rfind('@') + 1);  // npos + 1 is 0
}

bool netrc_has_password(absl::string_view netrc, absl::string_view host) {
  bool is_meant = false;
  const std::vector<std::string> words = words_of(netrc);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "default") is_meant = true;
    if (word == "default" || i + 1 == words.size()) continue;
    const std::string& value = words[++i];
    if (word == "machine") is_meant = value == host;
    if (word == "password" && is_meant && !value.empty()) return true;
  }
  return false;
}

}  // namespace downbeat
