// A run that a test's script conducts. REQUEST_TIMEOUT, FINISH_TIMEOUT and AZ_TIMEOUT set the options, in seconds.
#include <string>
#include <utility>

#include "callbacks/pipeline/callback_handler.h"
#include "integrations/azureml/azureml.h"
#include "integrations/support/environment.h"
#include "tests/integrations/support/scripted_run.h"

int main() {
  const auto seconds = [](const char* name, const char* otherwise) {
    return std::stod(downbeat::environment_variable(name, otherwise));
  };
  downbeat::AzureMLCallback callback({.request_timeout_seconds = seconds("REQUEST_TIMEOUT", "0"),
                                      .finish_timeout_seconds = seconds("FINISH_TIMEOUT", "60"),
                                      .az_timeout_seconds = seconds("AZ_TIMEOUT", "20")});
  return downbeat::scripted_run(downbeat::Callbacks(std::move(callback)));
}
