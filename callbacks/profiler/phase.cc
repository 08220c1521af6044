#include "callbacks/profiler/phase.h"

#include <iterator>

namespace downbeat::profiler {
namespace {

// What Trainer does after the event, where an exception says nothing else.
Phase phase_after(Event event) {
  switch (event) {
    case Event::on_epoch_begin:
    case Event::on_step_begin:
    case Event::on_substep_end:
      return Phase::data;
    case Event::on_substep_begin:
      return Phase::forward_backward;
    case Event::on_gradients_ready:
      return Phase::clipping;
    case Event::on_pre_optimizer_step:
      return Phase::optimizer;
    case Event::on_optimizer_step:
      return Phase::schedule;
    case Event::on_evaluate_begin:
    case Event::on_predict_begin:
    case Event::on_prediction_step:
      return Phase::evaluation;
    default:
      return Phase::other;
  }
}

}  // namespace

const char* name_of(Event event) {
#define DOWNBEAT_X(event, ...) #event,
  static constexpr const char* names[] = {DOWNBEAT_EVENTS(DOWNBEAT_X)};
#undef DOWNBEAT_X
  return names[static_cast<std::size_t>(event)];
}

const char* name_of(Phase phase) {
  static constexpr const char* names[] = {"data",
                                          "forward and backward",
                                          "clipping",
                                          "optimizer",
                                          "schedule, zero_grad",
                                          "undivided step",
                                          "logging",
                                          "evaluation",
                                          "saving",
                                          "finishing",
                                          "other",
                                          "callbacks"};
  static_assert(std::size(names) == kPhases);
  return names[static_cast<std::size_t>(phase)];
}

Phase phase_between(Event before, Event after) {
  const auto if_neighbours = [&](Event neighbour, Phase phase) {
    return before == neighbour ? phase : Phase::undivided_step;
  };
  switch (after) {
    case Event::on_step_begin:
    case Event::on_substep_begin:
      return Phase::data;
    case Event::on_substep_end:
    case Event::on_gradients_ready:
      return if_neighbours(Event::on_substep_begin, Phase::forward_backward);
    case Event::on_pre_optimizer_step:
      return if_neighbours(Event::on_gradients_ready, Phase::clipping);
    case Event::on_optimizer_step:
      return if_neighbours(Event::on_pre_optimizer_step, Phase::optimizer);
    case Event::on_step_end:
      return if_neighbours(Event::on_optimizer_step, Phase::schedule);
    case Event::on_log:
      return phase_after(before) == Phase::evaluation ? Phase::evaluation : Phase::logging;
    case Event::on_evaluate_begin:
    case Event::on_evaluate:
    case Event::on_predict_begin:
    case Event::on_predict:
    case Event::on_prediction_step:
      return Phase::evaluation;
    case Event::on_save:
      return Phase::saving;
    case Event::on_train_end:
      return Phase::finishing;
    case Event::on_exception:
      return phase_after(before);
    default:
      return Phase::other;
  }
}

}  // namespace downbeat::profiler
