// DefaultFlowCallback: sets the flags that the arguments ask for - when to log, evaluate, save and stop.
//
//   CallbackHandler handler(DefaultFlowCallback{}, MyCallback{});   // Trainer puts it first by itself
//
// The rules are HuggingFace's; callbacks after it see its flags and may change them. A loop of one's own that sets the
// flags itself does without.
#pragma once

#include "callbacks/vocabulary/trainer_control.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"

namespace downbeat {

class DefaultFlowCallback {
 public:
  // A negative state.max_steps means no limit.
  void on_step_end(const TrainingArguments& args, const TrainerState& state, TrainerControl& control);
  void on_epoch_end(const TrainingArguments& args, const TrainerState& state, TrainerControl& control);
};

}  // namespace downbeat
