// TrainerControl: what a callback may ask of the loop. Plain flags, the last writer wins, as in HuggingFace.
//
//   void on_step_end(const TrainerState& state, TrainerControl& control) {
//     if (state.global_step % 100 == 0) control.should_evaluate = true;
//   }
//
// The loop reads the flags after each substep, step and epoch; CallbackHandler takes them back where HuggingFace's does
// (spec of each event in events.h).
#pragma once

#include <source_location>
#include <string>
#include <utility>

namespace downbeat {

struct TrainerControl {
  bool should_training_stop = false;
  bool should_epoch_stop = false;
  bool should_save = false;
  bool should_evaluate = false;
  bool should_log = false;

  // Sets should_training_stop and leaves a reason, which the end of the run shows. Who asked is the function that
  // calls.
  void stop_training(std::string why, const std::source_location& where = std::source_location::current()) {
    should_training_stop = true;
    stop_reason = std::move(why);
    stopped_by = where.function_name();
  }

  std::string stop_reason;  // empty when a flag was set without one
  std::string stopped_by;
};

}  // namespace downbeat
