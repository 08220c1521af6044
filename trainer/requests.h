// Requests: what hooks and signals of one process ask of all. On several processes it is done by all of them at the
// same step, or they would wait for each other for ever. Free of torch; used by loop.h.
#pragma once

#include <string>

#include "callbacks/vocabulary/trainer_control.h"

namespace downbeat {

struct Requests {
  TrainerControl control;  // the flags that are asked for, and the reason of a stop
  int signal = 0;          // that came; 0: none

  bool any() const;
};

// Sets the flags of `more` as well; a reason comes along with should_training_stop.
void add_flags(TrainerControl& control, const TrainerControl& more);

// What is asked for in `control` beyond `rules`: it is taken out of `control` and returned.
TrainerControl take_flags_beyond(const TrainerControl& rules, TrainerControl& control);

}  // namespace downbeat
