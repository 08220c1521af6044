// Recording: the times of one run, while it goes on: sums for the table, slices for the trace.
//
// An event at the outermost level ends a phase and, where somebody hears it, is one itself (Phase::callbacks), so that
// the phases cover the run without gaps. An event within a hook (one that calls trainer.evaluate()) is part of that
// hook.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "callbacks/pipeline/observer.h"
#include "callbacks/profiler/phase.h"
#include "callbacks/profiler/slices.h"

namespace downbeat::profiler {

struct Sum {
  int64_t calls = 0;
  int64_t nanoseconds = 0;

  void add(int64_t more) { ++calls, nanoseconds += more; }
};

class Recording {
 public:
  using Clock = int64_t (*)();  // nanoseconds

  struct Callback {
    ObservedCallback observed;
    std::string label;  // "MyCallback"; with its key, or counted where there are several: "MyCallback[2]"
    std::array<Sum, kEvents> events;
  };

  Recording(Clock clock, int64_t max_slices);

  // --- While it runs ---

  void before_event(Event event);
  void before_hook(Event event, const ObservedCallback& callback);
  void after_hook(Event event);
  void after_event(Event event);
  void stop_before(Event event);  // which is no longer part of it
  void stop();

  // --- When it is over ---

  int64_t begin() const { return begin_; }
  int64_t duration() const { return end_ - begin_; }
  int64_t steps() const { return steps_; }
  const Slices& slices() const { return slices_; }
  const Sum& phase(Phase phase) const { return phases_[static_cast<std::size_t>(phase)]; }
  const std::vector<Callback>& callbacks() const { return callbacks_; }
  const Sum& hooks() const { return hooks_; }  // at the outermost level

 private:
  struct Open {  // an event or a hook of one
    int64_t begin;
    Slice* slice;
    std::size_t callback;
    bool is_heard;
  };

  struct Known {
    const ObservedCallback* observed = nullptr;
    std::size_t number = 0;  // in callbacks_
  };

  void begin_outermost(Event event, int64_t now);
  void note_heard(Event event);
  void add_phase(Phase phase, int64_t until);
  void end_step(int64_t now);
  void stop_at(int64_t now);
  std::size_t number_of(const ObservedCallback& callback);
  std::string label_of(const ObservedCallback& callback) const;

  Clock clock_;
  int64_t begin_ = 0;
  int64_t end_ = 0;
  int64_t phase_begin_ = 0;
  int64_t steps_ = 0;
  std::optional<Event> before_;  // the last event at the outermost level
  std::array<Sum, kPhases> phases_;
  Sum hooks_;
  std::vector<Callback> callbacks_;
  std::vector<Known> known_;  // by position
  std::vector<Open> open_;
  Slice* step_ = nullptr;
  Slices slices_;
};

}  // namespace downbeat::profiler
