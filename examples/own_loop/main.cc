// A training loop of one's own, without Trainer and without LibTorch: //callbacks alone. Fits the slope of y = 3x.
#include <iostream>

#include "callbacks/callbacks.h"

namespace {

using downbeat::Logs;
using downbeat::TrainerControl;

class StopWhenLossIsLow {
 public:
  explicit StopWhenLossIsLow(double threshold) : threshold_(threshold) {}
  void on_log(const Logs& logs, TrainerControl& control) {
    if (logs.value_or("loss", 1.0) < threshold_) control.stop_training("the loss is below its threshold");
  }

 private:
  double threshold_;
};

struct Slope {
  double value = 0;

  // One step of gradient descent on (value * x - 3 * x)^2 at x = 1; returns the loss before it.
  double step(double learning_rate) {
    const double error = value - 3;
    value -= learning_rate * 2 * error;
    return error * error;
  }
};

// What the loop passes after args, state and control, hooks may ask for by type.
struct SlopeWatcher {
  void on_train_end(const Slope& slope) { std::cout << "slope: " << slope.value << "\n"; }
};

}  // namespace

int main() {
  downbeat::CallbackHandler handler(downbeat::DefaultFlowCallback{}, downbeat::ProgressCallback{},
                                    StopWhenLossIsLow(1e-6), SlopeWatcher{});
  const downbeat::TrainingArguments args{.max_steps = 1000, .learning_rate = 0.01, .logging_steps = 50};
  downbeat::TrainerState state(args);
  downbeat::TrainerControl control;
  Slope slope;

  handler.on_train_begin(args, state, control);
  while (!control.should_training_stop) {
    handler.on_step_begin(args, state, control);
    const double loss = slope.step(args.learning_rate);
    ++state.global_step;
    handler.on_step_end(args, state, control);
    if (control.should_log) handler.on_log(args, state, control, Logs{{"loss", loss}});
  }
  handler.on_train_end(args, state, control, slope);
  std::cout << state.global_step << " steps\n";
}
