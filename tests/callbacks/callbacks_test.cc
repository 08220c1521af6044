#include "callbacks/callbacks.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace {

class StopWhenLossIsLow {
 public:
  explicit StopWhenLossIsLow(double threshold) : threshold_(threshold) {}
  void on_log(const downbeat::Logs& logs, downbeat::TrainerControl& control) {
    if (logs.value_or("loss", 1.0) < threshold_) control.stop_training("the loss is below its threshold");
  }

 private:
  double threshold_;
};

TEST(CallbacksTest, AreAllThatALoopOfOnesOwnNeeds) {
  downbeat::CallbackHandler handler(downbeat::DefaultFlowCallback{}, downbeat::ProgressCallback{},
                                    StopWhenLossIsLow(0.01));
  downbeat::TrainingArguments args{.max_steps = 1000, .logging_steps = 50};
  downbeat::TrainerState state(args);
  downbeat::TrainerControl control;
  double loss = 1;
  std::vector<int64_t> logged;

  handler.on_train_begin(args, state, control);
  while (!control.should_training_stop) {
    handler.on_step_begin(args, state, control);
    loss *= 0.98;
    ++state.global_step;
    handler.on_step_end(args, state, control);
    if (!control.should_log) continue;
    logged.push_back(state.global_step);
    handler.on_log(args, state, control, downbeat::Logs{{"loss", loss}});
  }
  handler.on_train_end(args, state, control);

  EXPECT_EQ(logged, (std::vector<int64_t>{50, 100, 150, 200, 250}));
  EXPECT_EQ(control.stop_reason, "the loss is below its threshold");
}

}  // namespace
