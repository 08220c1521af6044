#include "integrations/azureml/address.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "integrations/support/environment.h"
#include "integrations/support/http_client.h"
#include "integrations/support/secrets.h"

namespace downbeat {
namespace {

constexpr char kScheme[] = "azureml://";
constexpr char kShown[] = "/mlflow/v1.0/";      // in the addresses that people see
constexpr char kRequested[] = "/mlflow/v2.0/";  // where requests go
constexpr char kWorkspace[] = "subscriptions/";

// A name or an address, perhaps with a port.
bool is_host(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("-.:[]", c);
  });
}

bool is_this_machine(const std::string& host) {
  return host == "127.0.0.1" || absl::StartsWith(host, "127.0.0.1:") || host == "[::1]" ||
         absl::StartsWith(host, "[::1]:");
}

AzureMLAddress address_of(const std::string& host, const std::string& workspace) {
  return {.server = absl::StrCat(is_this_machine(host) ? "http://" : "https://", host, kRequested, workspace),
          .uri = absl::StrCat(kScheme, host, kShown, workspace)};
}

std::string host_of_endpoint(const std::string& endpoint) {
  const std::string clean = without_credentials(endpoint);
  absl::string_view host = clean;
  if (!absl::ConsumePrefix(&host, "https://")) absl::ConsumePrefix(&host, "http://");
  host = host.substr(0, host.find('/'));
  if (!is_host(std::string(host))) {
    refuse_setting("AZUREML_SERVICE_ENDPOINT", clean, "an address, https://eastus.api.azureml.ms for example");
  }
  return std::string(host);
}

std::optional<AzureMLAddress> address_of_job() {
  const auto endpoint = environment_variable("AZUREML_SERVICE_ENDPOINT");
  const auto subscription = environment_variable("AZUREML_ARM_SUBSCRIPTION");
  const auto group = environment_variable("AZUREML_ARM_RESOURCEGROUP");
  const auto workspace = environment_variable("AZUREML_ARM_WORKSPACE_NAME");
  if (!endpoint || !subscription || !group || !workspace) return std::nullopt;
  return address_of(
      host_of_endpoint(*endpoint),
      absl::StrCat(kWorkspace, percent_encoded(*subscription), "/resourceGroups/", percent_encoded(*group),
                   "/providers/Microsoft.MachineLearningServices/workspaces/", percent_encoded(*workspace)));
}

}  // namespace

std::optional<AzureMLAddress> azureml_address_in(const std::string& tracking_uri) {
  const std::string clean = without_credentials(tracking_uri);
  absl::string_view rest = clean;
  const bool is_azureml = absl::ConsumePrefix(&rest, kScheme);
  const std::size_t end_of_host = std::min(rest.find('/'), rest.size());
  const std::string host(rest.substr(0, end_of_host));
  rest.remove_prefix(end_of_host);
  const bool is_tracking = absl::ConsumePrefix(&rest, kShown) || absl::ConsumePrefix(&rest, kRequested);
  while (absl::ConsumeSuffix(&rest, "/")) continue;
  if (!is_azureml || !is_host(host) || !is_tracking || !absl::StartsWith(rest, kWorkspace)) return std::nullopt;
  return address_of(host, std::string(rest));
}

std::optional<AzureMLAddress> azureml_address(const std::string& tracking_uri) {
  if (tracking_uri.empty()) return address_of_job();
  auto address = azureml_address_in(tracking_uri);
  if (address) return address;
  refuse_setting(
      "MLFLOW_TRACKING_URI", without_credentials(tracking_uri),
      "azureml://HOST/mlflow/v1.0/subscriptions/..., which the workspace shows as its MLflow tracking URI; for other "
      "servers there is --report_to=mlflow");
}

}  // namespace downbeat
