// A conducted run that reports to Comet. The test sets what no environment variable of Comet's does.
#include <cstdlib>
#include <string>

#include "callbacks/vocabulary/argument_types.h"
#include "callbacks/vocabulary/message.h"
#include "integrations/comet/comet.h"
#include "tests/integrations/support/scripted_run.h"

namespace {

double number_in(const char* variable, double otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::stod(text) : otherwise;
}

}  // namespace

int main() {
  if (std::getenv("TEST_INFO") != nullptr) downbeat::set_log_level(downbeat::LogLevel::info);
  downbeat::CometOptions options;
  options.requests_per_second = number_in("TEST_REQUESTS_PER_SECOND", 0);
  options.request_timeout_seconds = number_in("TEST_TIMEOUT", 30);
  options.finish_timeout_seconds = number_in("TEST_DRAIN", 60);
  options.retry_after_seconds = number_in("TEST_RETRY", 0.05);
  return downbeat::scripted_run(downbeat::Callbacks(downbeat::CometCallback(options)));
}
