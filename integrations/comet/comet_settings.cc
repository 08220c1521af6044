#include "integrations/comet/comet_settings.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "integrations/support/environment.h"
#include "integrations/support/secrets.h"

namespace downbeat {
namespace {

std::optional<bool> asked_online(const CometOptions& options) {
  if (options.online) return options.online;
  const std::optional<std::string> value = environment_variable("COMET_START_ONLINE");
  if (!value) return std::nullopt;
  if (is_environment_true("COMET_START_ONLINE")) return true;
  const std::string lower = absl::AsciiStrToLower(*value);
  if (lower == "0" || lower == "off" || lower == "no" || lower == "false") return false;
  throw std::invalid_argument(absl::StrCat("COMET_START_ONLINE is ", *value, "; it must be 1 or 0"));
}

bool asked_for_assets(const CometOptions& options) {
  if (options.log_assets) return *options.log_assets;
  const std::string value = absl::AsciiStrToUpper(environment_variable("COMET_LOG_ASSETS", ""));
  return value == "TRUE" || value == "1";
}

// https://user:secret@host:8080/clientlib/ is https://host:8080
std::string server_of(const std::string& url) {
  const std::string clean = without_credentials(absl::StrContains(url, "://") ? url : "https://" + url);
  return clean.substr(0, clean.find('/', clean.find("://") + 3));
}

void check_key(const std::string& key) {
  const bool is_plain = std::all_of(key.begin(), key.end(), [](char c) { return absl::ascii_isalnum(c); });
  if (key.empty() || (is_plain && key.size() >= 32 && key.size() <= 50)) return;
  throw std::invalid_argument(
      absl::StrCat("COMET_EXPERIMENT_KEY is ", key, "; it must have 32 to 50 letters and digits, and nothing else"));
}

}  // namespace

CometSettings comet_settings(const CometOptions& options) {
  CometSettings settings;
  settings.mode = absl::AsciiStrToLower(chosen_setting(options.mode, "COMET_MODE", "get_or_create"));
  settings.is_enabled = settings.mode == "get_or_create" || settings.mode == "create" || settings.mode == "get";
  settings.api_key = chosen_setting(options.api_key, "COMET_API_KEY");
  settings.server = server_of(chosen_setting(options.url, "COMET_URL_OVERRIDE", "https://www.comet.com"));
  settings.workspace = chosen_setting(options.workspace, "COMET_WORKSPACE");
  settings.project_name = chosen_setting(options.project_name, "COMET_PROJECT_NAME");
  settings.experiment_key = chosen_setting(options.experiment_key, "COMET_EXPERIMENT_KEY");
  settings.offline_directory =
      with_home(chosen_setting(options.offline_directory, "COMET_OFFLINE_DIRECTORY", ".cometml-runs"));
  settings.log_assets = asked_for_assets(options);
  check_key(settings.experiment_key);

  const std::optional<bool> online = asked_online(options);
  const bool has_key = !settings.api_key.empty();
  if (settings.is_enabled && online.value_or(false) && !has_key) {
    throw std::invalid_argument(
        "COMET_START_ONLINE is 1 and COMET_API_KEY is not set; set COMET_API_KEY, or COMET_START_ONLINE=0 to keep the "
        "run in an archive");
  }
  settings.is_online = has_key && online.value_or(true);
  settings.lacks_key = !has_key && !online;
  return settings;
}

}  // namespace downbeat
