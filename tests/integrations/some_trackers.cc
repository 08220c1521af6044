// A program built with some of the trackers; see links_test.sh.
#include "integrations/report_to_these.h"
#include "integrations/tensorboard/tensorboard.h"
#include "integrations/wandb/wandb.h"

int main() {
  const downbeat::TrainingArguments args{.report_to = {"none"}};
  auto handler = downbeat::report_to<downbeat::TensorBoardCallback, downbeat::WandbCallback>(args);
  downbeat::TrainerState state(args);
  downbeat::TrainerControl control;
  handler.on_init_end(args, state, control);
}
