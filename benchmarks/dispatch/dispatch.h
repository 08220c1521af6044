// What the rivals share: the world of a run, the callbacks, and the measurement of one training step.
//
// A rival is a class template <Callback, count> with step(World&), which takes back the control's flags as HuggingFace
// does and calls the four events of a step for `count` callbacks, and with sum(), for checking that all were called.
//
//   REGISTER_RIVAL(ByHand, "by_hand");      // dispatch/by_hand/heard/0, ... dispatch/by_hand/unheard/32
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "callbacks/vocabulary/trainer_control.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"

namespace downbeat::dispatch {

struct World {
  const TrainingArguments args;
  TrainerState state;
  TrainerControl control;
};

struct Heard {  // hears one of the four events of a step
  int64_t sum = 0;
  void on_step_end(const TrainerState& state) { sum += state.global_step; }
};
struct Unheard {  // hears none of them
  int64_t sum = 0;
  void on_push_begin() { ++sum; }
};

// step() is never inlined, for nobody: a trainer's loop is too large to be optimized together with its callbacks, and
// so every rival pays one call. With all of them inlined some would be merged with the benchmark's loop, others not.
#define DISPATCH_STEP [[gnu::noinline]] void

template <class Rival, bool is_heard, std::size_t count>
void measure_step(benchmark::State& runs) {
  alignas(64) World world;
  alignas(64) Rival rival;  // the counters of all rivals begin a cache line
  benchmark::DoNotOptimize(&world);
  benchmark::DoNotOptimize(&rival);
  for (auto _ : runs) {
    ++world.state.global_step;
    rival.step(world);
    benchmark::ClobberMemory();
  }
  const int64_t steps = world.state.global_step;
  const int64_t expected = is_heard ? static_cast<int64_t>(count) * (steps * (steps + 1) / 2) : 0;
  if (rival.sum() != expected) runs.SkipWithError("a callback was forgotten");
}

template <template <class, std::size_t> class Rival, std::size_t count>
void register_count(const std::string& name) {
  const std::string number = std::to_string(count);
  benchmark::RegisterBenchmark((name + "/heard/" + number).c_str(), measure_step<Rival<Heard, count>, true, count>);
  benchmark::RegisterBenchmark((name + "/unheard/" + number).c_str(),
                               measure_step<Rival<Unheard, count>, false, count>);
}
template <template <class, std::size_t> class Rival>
bool register_rival(const std::string& rival) {
  const std::string name = "dispatch/" + rival;
  register_count<Rival, 0>(name);
  register_count<Rival, 1>(name);
  register_count<Rival, 2>(name);
  register_count<Rival, 4>(name);
  register_count<Rival, 8>(name);
  register_count<Rival, 16>(name);
  register_count<Rival, 32>(name);
  return true;
}
#define REGISTER_RIVAL(Rival, name) [[maybe_unused]] const bool registered_##Rival = register_rival<Rival>(name)

}  // namespace downbeat::dispatch
