// WandbCallback with the options that the environment names, conducted by wandb_test.py and its neighbours.
#include <cstdlib>

#include "callbacks/pipeline/callback_handler.h"
#include "integrations/support/environment.h"
#include "integrations/wandb/wandb.h"
#include "tests/integrations/support/scripted_run.h"

int main() {
  downbeat::WandbOptions options;
  options.watch_steps = std::atoll(downbeat::environment_variable("TEST_WATCH_STEPS", "0").c_str());
  options.finish_timeout_seconds = std::atof(downbeat::environment_variable("TEST_FINISH_TIMEOUT", "60").c_str());
  return downbeat::scripted_run(downbeat::Callbacks(downbeat::WandbCallback(options)));
}
