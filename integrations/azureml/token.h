// AzureMLToken: the bearer token for a workspace of AzureML, and a fresh one when it ends.
//
//   MLflowServer server({.uri = address.server}, std::make_unique<AzureMLToken>());
//
// It is MLFLOW_TRACKING_TOKEN, else AZUREML_RUN_TOKEN. From ten minutes before its end, and after a 401, a fresh one
// comes from `az account get-access-token` where az is in PATH and logged in, else from the file that
// AZUREML_TOKEN_FILE names. Nothing of a token stands in a message.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string>

#include "integrations/mlflow/rest.h"

namespace downbeat {

struct AzureMLTokenOptions {
  absl::Duration az_timeout = absl::Seconds(20);
};

class AzureMLToken : public MLflowCredentials {
 public:
  // Throws std::invalid_argument where a variable holds what can be no token.
  explicit AzureMLToken(const AzureMLTokenOptions& options = {});

  std::string authorization() override;
  bool renew() override;
  std::string variables() const override;

 private:
  // Runs az, which takes a second or more. Takes any other token where this one was refused, else one that ends later.
  bool find_another(bool was_refused);
  bool is_better(const std::string& token, bool was_refused) const;
  bool ends_soon() const;
  void warn_of_end();

  const AzureMLTokenOptions options_;
  std::string token_;  // empty: there is none
  absl::Time next_try_ = absl::InfinitePast();
  bool can_be_renewed_ = true;  // as far as the last try tells
  bool warned_ = false;
};

}  // namespace downbeat
