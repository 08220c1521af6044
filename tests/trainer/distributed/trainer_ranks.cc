// A Trainer on several processes of which rank 1 does what --does says; every rank prints what it saw, in lines that
// trainer_test.py reads.
#include <ATen/ops/ones.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include "callbacks/vocabulary/training_arguments_flags.h"
#include "tests/trainer/support/tiny.h"
#include "trainer/trainer.h"

namespace {

using downbeat::ProcessGroup;
using downbeat::RunsOn;
using downbeat::TrainerControl;
using downbeat::TrainerState;

struct RankArguments {
  std::string does = "nothing";
  int64_t at_step = 3;
  int64_t rows = 64;
  int64_t rows_of_others = 0;

  static constexpr const char* kTitle = "Ranks";
  static void describe(auto& field) {
    field("does", &RankArguments::does, "What rank 1 does at --at_step.");
    field("at_step", &RankArguments::at_step, "When.");
    field("rows", &RankArguments::rows, "Examples of the training set.");
    field("rows_of_others", &RankArguments::rows_of_others, "The same on other ranks than 0; 0: as many.");
  }
};

// In one piece, as several processes share the pipe.
void say(const ProcessGroup& group, const std::string& text) {
  std::cout << "rank " + std::to_string(group.rank()) + ": " + text + "\n" << std::flush;
}

class RankOneDoes {
 public:
  RankOneDoes(std::string what, int64_t step) : what_(std::move(what)), step_(step) {}

  void on_step_end(const TrainerState& state, TrainerControl& control, ProcessGroup& group) {
    if (group.rank() != 1 || state.global_step != step_) return;
    if (what_ == "stops") control.stop_training("rank 1 has seen enough");
    if (what_ == "asks") control.should_save = control.should_evaluate = control.should_log = true;
    if (what_ == "throws") throw std::domain_error("the hook of rank 1 broke");
    if (what_ == "signal") raise(SIGTERM);
    if (what_ == "dies" || (what_ == "dies_once" && group.environment().restart_count == 0)) raise(SIGKILL);
  }
  void on_substep_begin(const TrainerState& state, TrainerControl& control, ProcessGroup& group) {
    if (what_ == "stops_before" && group.rank() == 1 && state.global_step + 1 == step_) control.stop_training("before");
  }
  void on_log(const TrainerState& state, TrainerControl& control, ProcessGroup& group) {
    if (what_ == "stops_at_log" && group.rank() == 1 && state.global_step == step_) control.stop_training("logged");
  }
  void on_save(const downbeat::Checkpoint& checkpoint, ProcessGroup& group) {
    const bool is_there = access((checkpoint.directory + "/trainer_state.json").c_str(), F_OK) == 0;
    say(group, "saved step " + std::to_string(checkpoint.step) + (is_there ? "" : ", which is not there"));
  }
  void on_prediction_step(const downbeat::PredictionProgress& progress, ProcessGroup& group) {
    if (what_ == "signal_in_evaluation" && group.rank() == 1 && progress.batch == 1) raise(SIGTERM);
  }
  void on_evaluate(const TrainerState& state, const downbeat::Metrics& metrics, ProcessGroup& group) {
    say(group, "evaluated after step " + std::to_string(state.global_step) + " to " +
                   std::to_string(metrics.at("eval_accuracy")));
  }
  void on_train_end(const TrainerState& state, const downbeat::RunEnd& end, ProcessGroup& group) {
    say(group, "ended after step " + std::to_string(state.global_step) + (end.reason.empty() ? "" : ", " + end.reason));
  }

 private:
  std::string what_;
  int64_t step_;
};

// Every rank adds its own number: a collective in a hook.
struct Adds {
  void on_train_begin(ProcessGroup& group) {
    const at::Tensor sum = at::ones({1}) * (group.rank() + 1);
    group.all_reduce(sum, downbeat::Reduction::sum);
    say(group, "the sum is " + std::to_string(sum.item<int>()));
  }
};

struct OnWorldZero {
  static constexpr RunsOn runs_on = RunsOn::world_zero;
  void on_train_begin(const TrainerState& state) {
    std::cout << "world zero: " + std::to_string(state.is_world_process_zero) + "\n" << std::flush;
  }
};

struct OnLocalZero {
  static constexpr RunsOn runs_on = RunsOn::local_zero;
  void on_train_begin(const TrainerState& state) {
    std::cout << "local zero: " + std::to_string(state.is_local_process_zero) + "\n" << std::flush;
  }
};

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    RankArguments own;
    const auto args = downbeat::parse_training_arguments(argc, argv, own);
    downbeat::set_num_threads(1);
    const bool is_first = downbeat::read_process_environment().value().is_world_process_zero();
    const int64_t rows = is_first || own.rows_of_others == 0 ? own.rows : own.rows_of_others;
    const auto train = [&](const auto& and_meanwhile) {
      const auto callbacks =
          downbeat::Callbacks(RankOneDoes(own.does, own.at_step), Adds{}, OnWorldZero{}, OnLocalZero{});
      downbeat::Trainer trainer(std::make_shared<downbeat::testing::Tiny>(), args, downbeat::testing::tiny_set(rows),
                                downbeat::testing::tiny_set(16, 1), callbacks);
      trainer.compute_loss_func = downbeat::cross_entropy;
      trainer.compute_metrics = downbeat::accuracy;
      trainer.train();
      and_meanwhile();
    };
    if (own.does == "trains_thrice")
      train([&] { train([] {}); });  // two live at the same time, the third comes after them
    train([] {});
  });
}
