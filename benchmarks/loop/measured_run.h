// What the C++ programs of the loop benchmark share: what they are asked for, when their steps were, and what they
// print.
//
//   trainer MODEL CALLBACKS ACCUMULATION STEPS WARM_UP        MODEL: linear, digits, transformer, gpt
//
// Prints a line of JSON. Steps a second are those of STEPS steps after the first WARM_UP ones. The time to the first
// step begins when the parent started this process: LOOP_STARTED_NS of the environment, in the clock of steady_clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace benchmark_loop {

struct RunArguments {
  std::string model;
  int64_t callbacks = 0;
  int64_t accumulation = 1;
  int64_t steps = 1;
  int64_t warm_up = 1;

  int64_t all_steps() const { return warm_up + steps; }
};

// Throws std::invalid_argument with the usage.
RunArguments parse(int argc, char** argv);

// How often operator new was called; where count_allocations.cc is linked, which sets it, it is printed for each step.
inline int64_t (*allocations)() = nullptr;

class Stopwatch {
 public:
  explicit Stopwatch(const RunArguments& run) : run_(run) {}

  // After every optimizer step, counted from 1.
  void step_done(int64_t step) {
    if (step == 1) first_ = Clock::now();
    if (step == run_.warm_up) begin();
    if (step == run_.all_steps()) end();
  }

  // `loss`: the mean over all steps; `checksum`: of the weights. Both show that two programs did the same work.
  void print(double loss, double checksum) const;

 private:
  using Clock = std::chrono::steady_clock;
  void begin();
  void end();

  RunArguments run_;
  Clock::time_point first_, begin_, end_;
  int64_t allocations_ = 0;
};

// A callback as light as one can be.
struct Light {
  int64_t sum = 0;
  void hear_step(int64_t step) { sum += step; }
};

}  // namespace benchmark_loop
