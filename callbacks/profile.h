// ProfileCallback: where the time of a training goes, by phases of the step and by callbacks, as a table and as a
// trace.
//
//   Trainer trainer(model, args, train, eval, Callbacks(MyCallback{}, ProfileCallback({.path = "profile.json"})));
//   trainer.train();         // prints the table; open profile.json in ui.perfetto.dev or chrome://tracing
//
//   phase                     calls      total ms       mean us   share
//   data                        100         2.114        21.144    4.1%
//   forward and backward        100        35.021       350.212   67.5%
//   ...
//   callback     event          calls      total ms       mean us   share
//   MyCallback   on_step_end      100         0.340         3.404    0.7%
//
// It observes all callbacks of the tuple wherever it stands itself, those that Trainer adds included (see
// pipeline/observer.h); DynamicCallbacks is one callback, and ProfileCallback is none that can be added at run time.
// Without it in the tuple no clock is read (tests/codegen). With it a hook costs two readings of the clock more, which
// is part of the phase "callbacks" but not of the hook.
//
// It measures from on_train_begin to on_train_end, or a number of steps of these, each from its on_step_begin to the
// next one's. The phases are what the loop does from one event to the next and cover the run without gaps; with
// async_save the copy that a checkpoint is written from is part of "data". A hook's time includes the events it causes
// itself. It runs on the first process (world_zero) and writes at on_train_end, which comes after an exception too;
// another training of the same object writes the file anew. For single operators of LibTorch use its own profiler.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "callbacks/pipeline/callback.h"
#include "callbacks/pipeline/observer.h"
#include "callbacks/profiler/phase.h"
#include "callbacks/vocabulary/run_end.h"
#include "callbacks/vocabulary/runs_on.h"
#include "callbacks/vocabulary/trainer_state.h"

namespace downbeat {

namespace profiler {
class Recording;
}

struct ProfileOptions {
  std::string path = "profile.json";  // of the trace, about 150 bytes an event; empty: only the table
  int64_t max_events = 1'000'000;     // in the trace; what comes after is in the table only, and both say so
  int64_t skip_first_steps = 0;       // of the training, to leave the warm-up out
  int64_t steps = 0;                  // how many are measured; 0: all that come
  std::FILE* table_stream = stdout;   // null: no table
  int64_t (*clock)() = nullptr;       // nanoseconds, for tests
};

class ProfileCallback {
 public:
  static constexpr RunsOn runs_on = RunsOn::world_zero;

  // Throws std::invalid_argument when a number is negative.
  explicit ProfileCallback(ProfileOptions options = {});
  ~ProfileCallback();
  ProfileCallback(ProfileCallback&&) noexcept;
  ProfileCallback& operator=(ProfileCallback&&) noexcept;

  template <class Event, class... Things>
  void before_event(const contract::View<Event, Things...>& event) {
    begin_event(number<Event>, event.state());
  }
  template <class Event, class... Things>
  void before_hook(const contract::View<Event, Things...>&, const ObservedCallback& callback) {
    if (stage_ == Stage::recording) begin_hook(number<Event>, callback);
  }
  template <class Event, class... Things>
  void after_hook(const contract::View<Event, Things...>&, const ObservedCallback&) noexcept {
    if (stage_ == Stage::recording) end_hook(number<Event>);
  }
  template <class Event, class... Things>
  void after_event(const contract::View<Event, Things...>& event) noexcept {
    const RunEnd* run_end = nullptr;
    if constexpr (contract::View<Event, Things...>::template has<RunEnd>()) run_end = &event.template get<RunEnd>();
    end_event(number<Event>, run_end);
  }

 private:
  enum class Stage { idle, waiting, recording, done };  // changes between two events at the outermost level

  template <class Event>
  static constexpr auto number = static_cast<profiler::Event>(contract::position_of<Event>(events::All{}));

  void begin_event(profiler::Event event, const TrainerState& state);
  void begin_hook(profiler::Event event, const ObservedCallback& callback);
  void end_hook(profiler::Event event) noexcept;
  void end_event(profiler::Event event, const RunEnd* run_end) noexcept;

  void begin_run(const TrainerState& state);
  void begin_step(const TrainerState& state);
  void begin_recording(const TrainerState& state);
  void report(const RunEnd* run_end);

  ProfileOptions options_;
  Stage stage_ = Stage::idle;
  int64_t depth_ = 0;        // of events within hooks
  int64_t steps_begun_ = 0;  // of the training
  int64_t first_step_ = 0;   // of the recording
  std::unique_ptr<profiler::Recording> recording_;
};

}  // namespace downbeat
