// What the rivals share: the world of a run, the callbacks, and the measurement of one event.
//
// A rival is a class template <Callback, count> with event(World&), which calls on_step_end for `count` callbacks, and
// with callbacks_are(expected), which checks that all were called.
//
//   REGISTER_RIVAL(ByHand, "by_hand");      // by_hand/light/0, ... by_hand/five_numbers/8, ... by_hand/unheard/64
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "benchmarks/dispatch/instructions.h"
#include "callbacks/vocabulary/trainer_control.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"

namespace downbeat::dispatch {

struct World {
  const TrainingArguments args;
  TrainerState state;
  TrainerControl control;
};

struct Light {
  static constexpr bool is_heard = true;
  int64_t sum = 0;
  void on_step_end(const TrainerState& state) { sum += state.global_step; }
  bool operator==(const Light&) const = default;
};
struct FiveNumbers {  // of a value that changes at every event
  static constexpr bool is_heard = true;
  double last = 0, sum = 0, least = 0, most = 0, running_mean = 0;
  void on_step_end(const TrainerState& state) {
    last = state.epoch;
    sum += last;
    least = std::min(least, last);
    most = std::max(most, last);
    running_mean += 0.1 * (last - running_mean);
  }
  bool operator==(const FiveNumbers&) const = default;
};
struct Unheard {  // hears another event only
  static constexpr bool is_heard = false;
  int64_t sum = 0;
  void on_push_begin() { ++sum; }
  bool operator==(const Unheard&) const = default;
};

// Nothing of it waits for what the step before has stored, as the loop's own latency would hide what is measured.
inline void set_step(TrainerState& state, int64_t step) {
  state.global_step = step;
  state.epoch = 0.125 * static_cast<double>(step);
}

// What a callback must look like after so many events.
template <class Callback>
Callback expected_after(int64_t steps) {
  Callback callback;
  if constexpr (Callback::is_heard) {
    TrainerState state;
    for (int64_t step = 1; step <= steps; ++step) {
      set_step(state, step);
      callback.on_step_end(state);
    }
  }
  return callback;
}

// event() is never inlined, for nobody: a trainer's loop is too large to be optimized together with its callbacks, and
// so every rival pays one call. With all of them inlined some would be merged with the benchmark's loop, others not.
#define DISPATCH_EVENT [[gnu::noinline]] void

template <class Rival, class Callback>
void measure_event(benchmark::State& runs) {
  alignas(64) World world;
  alignas(64) Rival rival;  // the numbers of all rivals begin a cache line
  benchmark::DoNotOptimize(&world);
  benchmark::DoNotOptimize(&rival);
  int64_t steps = 0;
  const int64_t instructions_before = instructions();
  for (auto _ : runs) {
    set_step(world.state, ++steps);
    rival.event(world);
    benchmark::ClobberMemory();
  }
  if (are_instructions_counted()) {
    runs.counters["instructions"] = benchmark::Counter(static_cast<double>(instructions() - instructions_before),
                                                       benchmark::Counter::kAvgIterations);
  }
  if (!rival.callbacks_are(expected_after<Callback>(steps))) {
    runs.SkipWithError("a callback was not called at each event");
  }
}

template <template <class, std::size_t> class Rival, class Callback, std::size_t count>
void register_one(const std::string& name) {
  benchmark::RegisterBenchmark((name + std::to_string(count)).c_str(), measure_event<Rival<Callback, count>, Callback>);
}
template <template <class, std::size_t> class Rival, std::size_t... counts>
bool register_rival(const std::string& rival, std::index_sequence<counts...>) {
  (register_one<Rival, Light, counts>(rival + "/light/"), ...);
  (register_one<Rival, FiveNumbers, counts>(rival + "/five_numbers/"), ...);
  (register_one<Rival, Unheard, counts>(rival + "/unheard/"), ...);
  return true;
}
using Counts = std::index_sequence<0, 1, 2, 4, 8, 16, 32, 64>;
#define REGISTER_RIVAL(Rival, name) \
  [[maybe_unused]] const bool registered_##Rival = register_rival<Rival>(name, Counts{})

}  // namespace downbeat::dispatch
