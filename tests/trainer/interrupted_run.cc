// A run that sends itself signals at a known place: the program that interrupt_test.cc starts.
#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include "callbacks/vocabulary/training_arguments_flags.h"
#include "tests/trainer/support/tiny.h"

namespace {

struct SignalArguments {
  std::string at = "on_step_begin";
  int64_t step = 1;
  std::vector<std::string> signals;
  bool again = false;

  static constexpr const char* kTitle = "Signals";
  static void describe(auto& field) {
    field("at", &SignalArguments::at, "The event at which the signals are sent.");
    field("step", &SignalArguments::step, "The global_step at which they are sent.");
    field("signals", &SignalArguments::signals, "INT or TERM, with commas between.");
    field("again", &SignalArguments::again, "Train once more after the interrupt.");
  }
};

const char* name_of(downbeat::RunEnd::How how) {
  constexpr const char* kNames[] = {"completed", "stopped", "interrupted", "failed"};
  return kNames[static_cast<int>(how)];
}

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    SignalArguments own;
    const auto args = downbeat::parse_training_arguments(argc, argv, own);
    downbeat::testing::TinyRun run(args);
    bool sent = false;
    run.hear([&](const downbeat::testing::Moment& moment) {
      if (moment.event == own.at && moment.state.global_step == own.step && !sent) {
        sent = true;
        for (const std::string& name : own.signals) std::raise(name == "TERM" ? SIGTERM : SIGINT);
      }
      if (moment.event == "on_step_end") std::cout << "step " << moment.state.global_step << std::endl;
      if (moment.event == "on_evaluate") std::cout << "evaluated" << std::endl;
      if (moment.checkpoint) std::cout << "saved " << moment.checkpoint->step << std::endl;
      if (moment.end) {
        std::cout << name_of(moment.end->how) << " by " << moment.end->by << ": " << moment.end->reason << std::endl;
      }
    });
    run.trainer.remove_callback<downbeat::PrinterCallback>();
    try {
      run.trainer.train();
    } catch (const downbeat::Interrupted&) {
      if (!own.again) throw;
      run.trainer.train();
    }
    std::cout << "done" << std::endl;
  });
}
