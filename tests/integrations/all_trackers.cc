// A program built with all of the trackers; see links_test.sh.
#include "integrations/report_to.h"

int main() {
  const downbeat::TrainingArguments args{.report_to = {"none"}};
  auto handler = downbeat::report_to(args);
  downbeat::TrainerState state(args);
  downbeat::TrainerControl control;
  handler.on_init_end(args, state, control);
}
