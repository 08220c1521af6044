#include "integrations/azureml/token.h"

#include <absl/time/clock.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/message.h"
#include "integrations/azureml/command_output.h"
#include "integrations/azureml/token_expiry.h"
#include "integrations/support/child_process.h"
#include "integrations/support/environment.h"
#include "integrations/support/json_text.h"
#include "integrations/support/machine.h"
#include "integrations/support/small_file.h"

namespace downbeat {
namespace {

constexpr absl::Duration kSoon = absl::Minutes(10);
constexpr absl::Duration kBetweenTries = absl::Minutes(1);
constexpr char kTokenFile[] = "AZUREML_TOKEN_FILE";

// What fits into a header.
bool is_token(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); });
}

std::string stripped(const std::string& text) { return std::string(absl::StripAsciiWhitespace(text)); }

std::string given_token() {
  for (const char* variable : {"MLFLOW_TRACKING_TOKEN", "AZUREML_RUN_TOKEN"}) {
    const std::string token = stripped(environment_variable(variable, ""));
    if (token.empty()) continue;
    if (is_token(token)) return token;
    throw std::invalid_argument(
        absl::StrCat(variable, " holds blanks or other characters that no token has: it must be a token alone"));
  }
  return "";
}

// Empty where there is none.
std::string token_of_az(absl::Duration at_most) {
  const auto az = program_on_path("az");
  if (!az) return "";
  const auto output = output_of(
      {*az, "account", "get-access-token", "--resource", "https://management.azure.com", "--output", "json"}, at_most);
  const auto answer = nlohmann::json::parse(output.value_or(""), nullptr, /*allow_exceptions=*/false);
  const std::string token = stripped(text_named(answer, "accessToken"));
  return is_token(token) ? token : "";
}

std::string token_of_file() {
  const auto path = environment_variable(kTokenFile);
  const std::string token = path ? stripped(read_small_file(with_home(*path)).value_or("")) : "";
  return is_token(token) ? token : "";
}

bool is_over(const std::string& token) {
  const auto end = token_expiry(token);
  return end && *end <= absl::Now();
}

}  // namespace

AzureMLToken::AzureMLToken(const AzureMLTokenOptions& options) : options_(options), token_(given_token()) {}

std::string AzureMLToken::authorization() {
  if (ends_soon() && absl::Now() >= next_try_) {
    find_another(/*was_refused=*/false);
    next_try_ = absl::Now() + kBetweenTries;
    warn_of_end();
  }
  return token_.empty() ? "" : "Bearer " + token_;
}

bool AzureMLToken::renew() { return find_another(/*was_refused=*/true); }

std::string AzureMLToken::variables() const {
  return "MLFLOW_TRACKING_TOKEN or AZUREML_RUN_TOKEN, `az login`, or the file that AZUREML_TOKEN_FILE names";
}

bool AzureMLToken::find_another(bool was_refused) {
  can_be_renewed_ = false;
  for (const auto& token : {token_of_az(options_.az_timeout), token_of_file()}) {
    can_be_renewed_ = can_be_renewed_ || (!token.empty() && !is_over(token));
    if (!is_better(token, was_refused)) continue;
    token_ = token;
    return true;
  }
  return false;
}

bool AzureMLToken::is_better(const std::string& token, bool was_refused) const {
  if (token.empty() || token == token_) return false;
  if (was_refused || token_.empty()) return true;
  const auto mine = token_expiry(token_);
  const auto other = token_expiry(token);
  return !mine || !other || *other > *mine;
}

bool AzureMLToken::ends_soon() const {
  const auto end = token_expiry(token_);
  return token_.empty() || (end && *end - absl::Now() < kSoon);
}

void AzureMLToken::warn_of_end() {
  const auto end = token_expiry(token_);
  if (warned_ || can_be_renewed_ || !end || !ends_soon()) return;
  warned_ = true;
  warn(absl::StrCat("AzureML: the token ", *end <= absl::Now() ? "has ended at " : "ends at ",
                    local_time("%H:%M:%S", *end),
                    " and nothing renews it: `az login` would, or a fresh one in the file "
                    "that ",
                    kTokenFile, " names; training goes on, and what is not sent by then is kept"));
}

}  // namespace downbeat
