// The phases of a run: what the loop does between two events, by its own order (trainer/loop.h).
//
//   phase_between(Event::on_substep_begin, Event::on_gradients_ready)     // Phase::forward_backward
//
// A loop of one's own need not fire all events of a step; what lies between two that are not neighbours is
// Phase::undivided_step.
#pragma once

#include <cstddef>

#include "callbacks/pipeline/callback.h"
#include "callbacks/pipeline/parameters.h"
#include "callbacks/vocabulary/events.h"

namespace downbeat::profiler {

#define DOWNBEAT_X(event, ...) event,
enum class Event : unsigned char { DOWNBEAT_EVENTS(DOWNBEAT_X) };
#undef DOWNBEAT_X
inline constexpr std::size_t kEvents = []<class... Es>(contract::types<Es...>) { return sizeof...(Es); }(events::All{});

const char* name_of(Event event);

enum class Phase : unsigned char {
  data,              // batches are fetched and moved to the device; at the start of an epoch the shuffling
  forward_backward,  // of one substep, with collecting the gradients
  clipping,          // with the norm
  optimizer,         // its step
  schedule,          // the schedule's step, and zero_grad
  undivided_step,    // several of those above
  logging,           // the numbers of a log line are computed (the loss is read)
  evaluation,        // or prediction: batches and metrics
  saving,            // until the checkpoint is complete
  finishing,         // before on_train_end: the best model is loaded
  other,             // all else: before, between and after epochs
  callbacks,         // an event that some callback hears
};
inline constexpr std::size_t kPhases = static_cast<std::size_t>(Phase::callbacks) + 1;

const char* name_of(Phase phase);

Phase phase_between(Event before, Event after);

}  // namespace downbeat::profiler
