#include <iostream>

#include "callbacks/callbacks.h"

// A callback of the consumer's own, heard by Downbeat's handler.
class PrintSteps {
 public:
  void on_train_end(const downbeat::TrainerState& state) {
    std::cout << "trained " << state.global_step << " steps" << std::endl;
  }
};

int main() {
  downbeat::CallbackHandler handler(downbeat::DefaultFlowCallback{}, PrintSteps{});
  downbeat::TrainingArguments args{.max_steps = 3};
  downbeat::TrainerState state(args);
  downbeat::TrainerControl control;
  handler.on_train_begin(args, state, control);
  while (!control.should_training_stop) {
    handler.on_step_begin(args, state, control);
    ++state.global_step;
    handler.on_step_end(args, state, control);
  }
  handler.on_train_end(args, state, control);
}
