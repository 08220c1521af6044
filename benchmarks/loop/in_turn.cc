// Trainer and, twice, the loop by hand in turn within one process, so that they share its memory and whatever the
// machine does meanwhile: for differences of a percent. Arguments as in measured_run.h, without gpt.
//
// Trainer runs; after each slice of its steps the loops by hand run as many, in random order. Prints a line of JSON:
// for each of the three the median of its slices, in microseconds a step. Fails unless all end with the same weights.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <vector>

#include "benchmarks/loop/by_hand.h"
#include "benchmarks/loop/measured_run.h"
#include "benchmarks/loop/with_trainer.h"
#include "benchmarks/loop/workload.h"

namespace {

using namespace benchmark_loop;
using Clock = std::chrono::steady_clock;
using LogitsLoop = LoopByHand<LogitsModel>;

constexpr int64_t kSlices = 60;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

class Turns {
 public:
  Turns(const RunArguments& run, LogitsLoop& by_hand, LogitsLoop& again)
      : run_(run), slice_(std::max<int64_t>(1, run.steps / kSlices)), sides_{Side{by_hand}, Side{again}} {
    for (Side& side : sides_) side.callbacks.resize(static_cast<std::size_t>(run.callbacks));
  }

  void trainer_step_done(int64_t step) {
    if (step < run_.warm_up || (step - run_.warm_up) % slice_ != 0) return;
    if (step > run_.warm_up) trainer_.push_back(microseconds_a_step(begin_));
    if (random_() % 2 == 0) std::swap(order_[0], order_[1]);
    for (const std::size_t side : order_) let_run(sides_[side], step);
    begin_ = Clock::now();
  }

  void print() const {
    std::printf("{\"Downbeat's Trainer\": %.17g, \"by hand\": %.17g, \"by hand, again\": %.17g}\n", median(trainer_),
                median(sides_[0].times), median(sides_[1].times));
  }

 private:
  struct Side {
    LogitsLoop& loop;
    std::vector<Light> callbacks = {};
    std::vector<double> times = {};
    int64_t steps = 0;
  };

  void let_run(Side& side, int64_t to) {
    const bool is_warm = side.steps > 0;
    const Clock::time_point begin = Clock::now();
    while (side.steps < to) {
      side.loop.step();
      ++side.steps;
      for (Light& callback : side.callbacks) callback.hear_step(side.steps);
    }
    if (is_warm) side.times.push_back(microseconds_a_step(begin));
  }

  double microseconds_a_step(Clock::time_point begin) const {
    return std::chrono::duration<double, std::micro>(Clock::now() - begin).count() / static_cast<double>(slice_);
  }

  RunArguments run_;
  int64_t slice_;
  std::array<Side, 2> sides_;
  std::array<std::size_t, 2> order_ = {0, 1};
  std::minstd_rand random_{std::random_device{}()};
  std::vector<double> trainer_;
  Clock::time_point begin_;
};

struct TurnsCallback {
  Turns* turns;
  void on_step_end(const downbeat::TrainerState& state) { turns->trainer_step_done(state.global_step); }
};

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    const RunArguments run = parse(argc, argv);
    if (run.steps % kSlices != 0) throw std::invalid_argument("STEPS is not a multiple of 60");
    downbeat::set_num_threads(1);
    const Workload work = make_workload(run.model);
    const Workload for_hand = make_workload(run.model), for_hand_again = make_workload(run.model);
    if (!work.model) throw std::invalid_argument("its steps are too long to be taken in turn: " + run.model);
    LogitsLoop by_hand(*for_hand.model, for_hand, run), again(*for_hand_again.model, for_hand_again, run);
    Turns turns(run, by_hand, again);
    train_with_trainer(run, work, TurnsCallback{&turns});
    if (checksum(*work.model) != checksum(*for_hand.model)) {
      throw std::runtime_error("Trainer and the loop by hand end with other weights");
    }
    turns.print();
  });
}
