// A scripted run with CodeCarbonCallback. The environment may put trees of files and a library in the machine's place.
#include "integrations/codecarbon/codecarbon.h"
#include "integrations/support/environment.h"
#include "tests/integrations/support/scripted_run.h"

int main() {
  downbeat::CodeCarbonOptions options;
  options.powercap_directory = downbeat::environment_variable("TEST_POWERCAP", options.powercap_directory);
  options.nvml_library = downbeat::environment_variable("TEST_NVML", options.nvml_library);
  return downbeat::scripted_run(downbeat::Callbacks(downbeat::CodeCarbonCallback(options)));
}
