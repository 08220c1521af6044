// TraceCallback: writes one JSON object a line for each event, to see what happened and to compare two runs.
//
//   Callbacks(MyCallback{}, TraceCallback("run.trace.jsonl"));
//   Callbacks(TraceCallback({.path = "run.trace.jsonl", .clock_values_as_null = true}));  // two runs give one text
//
//   {"event": "on_log", "global_step": 5, "epoch": 0.05, "control": {"should_training_stop": false, ...}, "logs":
//   {...}}
//
// It shows state, control and logs as they are when its turn comes: put it last to see what the others did. Every line
// is flushed. The first process of a run writes (world_zero). It is for tests and questions, not for dashboards: see
// integrations/ for those.
#pragma once

#include <concepts>
#include <fstream>
#include <string>
#include <string_view>

#include "callbacks/pipeline/callback.h"
#include "callbacks/vocabulary/runs_on.h"

namespace downbeat {

struct TraceOptions {
  std::string path;                   // begun anew with the first event
  bool clock_values_as_null = false;  // what differs from run to run: *_runtime, *_per_second, total_flos, ...
  bool added_events = false;          // not only HuggingFace's sixteen events but Downbeat's too
};

class TraceCallback {
 public:
  static constexpr RunsOn runs_on = RunsOn::world_zero;

  // Throws std::runtime_error when the file cannot be written.
  explicit TraceCallback(TraceOptions options);
  // A template, as g++ 12 would otherwise take {.path = ...} for a std::string as well.
  explicit TraceCallback(std::convertible_to<std::string> auto path) : TraceCallback(TraceOptions{.path = path}) {}

#define DOWNBEAT_X(event, ...) \
  void event(auto& view) { record(view); }
  DOWNBEAT_EVENTS(DOWNBEAT_X)
#undef DOWNBEAT_X

 private:
  template <class Event, class... Things>
  void record(const contract::View<Event, Things...>& view) {
    constexpr bool is_huggingfaces = contract::position_of<Event>(events::All{}) < 16;
    if (!is_huggingfaces && !options_.added_events) return;
    const Logs* logs = nullptr;
    if constexpr (contract::View<Event, Things...>::template has<Logs>()) logs = &view.logs();
    write(view.name(), view.state(), view.control(), logs);
  }

  void write(std::string_view event, const TrainerState& state, const TrainerControl& control, const Logs* logs);

  TraceOptions options_;
  std::ofstream file_;
  bool begun_ = false;
  bool failed_ = false;
};

}  // namespace downbeat
