// Requests: what hooks and signals of one process ask of all. On several processes it is done by all of them at the
// same step, or they would wait for each other for ever.
//
//   RequestsOfAll requests([&](const Requests& mine) { return what_all_ask_for_together(mine); });
//   requests.hold(control, {});                       // what hooks have asked for until now, out of the control
//   if (some_process_has(requests.any())) requests.exchange();
//   requests.take_up(control);                        // what all know of by now
//
// A process that is alone has no exchange; then all of this does nothing. Free of torch; used by loop.h.
#pragma once

#include <functional>
#include <string>

#include "callbacks/vocabulary/trainer_control.h"

namespace downbeat {

struct Requests {
  TrainerControl control = {};  // the flags that are asked for, and the reason of a stop
  int signal = 0;               // that came; 0: none

  bool any() const;
};

// Sets the flags of `more` as well; a reason comes along with should_training_stop.
void add_flags(TrainerControl& control, const TrainerControl& more);

class RequestsOfAll {
 public:
  // `exchange` gives those of all processes together, which all call it at the same time; empty: there is one process.
  explicit RequestsOfAll(std::function<Requests(const Requests&)> exchange);

  bool is_distributed() const { return static_cast<bool>(exchange_); }
  void begin_run();  // nothing was asked for

  // Takes out of `control` what is asked for there beyond `rules`, which are the same on all processes, and notes a
  // signal that has come.
  void hold(TrainerControl& control, const TrainerControl& rules);
  bool any() const { return mine_.any(); }  // that others may not know of

  void exchange();
  // Sets the flags that all know of; they are known until `forget_taken_up`, so that they belong to the rules.
  void take_up(TrainerControl& control) const { add_flags(control, known_); }
  TrainerControl forget_taken_up();

  // All of it, where all processes have come to the same place.
  void agree(TrainerControl& control);

  // The one that ends the run of all; of a process alone the one that has come.
  int signal() const;

 private:
  std::function<Requests(const Requests&)> exchange_;
  Requests mine_;
  TrainerControl known_;  // to all, and not done yet
  int known_signal_ = 0;
};

}  // namespace downbeat
