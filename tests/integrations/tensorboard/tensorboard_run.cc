// A run that a test's script conducts. With HISTOGRAM_STEPS, MAX_FILE_BYTES, LOG_HPARAMS=0 and LOG_DIR it sets the
// options.
#include <string>
#include <utility>

#include "callbacks/pipeline/callback_handler.h"
#include "integrations/support/environment.h"
#include "integrations/tensorboard/tensorboard.h"
#include "tests/integrations/support/scripted_run.h"

int main() {
  using downbeat::environment_variable;
  const auto number = [](const char* name) { return std::stoll(environment_variable(name, "0")); };
  downbeat::TensorBoardCallback callback({.log_dir = environment_variable("LOG_DIR", ""),
                                          .log_hparams = environment_variable("LOG_HPARAMS", "1") != "0",
                                          .histogram_steps = number("HISTOGRAM_STEPS"),
                                          .max_file_bytes = number("MAX_FILE_BYTES")});
  return downbeat::scripted_run(downbeat::Callbacks(std::move(callback)));
}
