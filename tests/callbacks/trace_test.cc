#include "callbacks/trace.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>

#include "callbacks/pipeline/callback_handler.h"
#include "callbacks/vocabulary/message.h"

namespace downbeat {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

class TraceTest : public testing::Test {
 protected:
  std::string text() const {
    std::stringstream all;
    all << std::ifstream(path_).rdbuf();
    return all.str();
  }

  const std::string path_ =
      testing::TempDir() + testing::UnitTest::GetInstance()->current_test_info()->name() + ".trace.jsonl";
  TrainingArguments args_;
  TrainerState state_;
  TrainerControl control_;
};

// The lines are copied from the traces of the real transformers.Trainer 5.23.0: early_stop_threshold, nan_filter_off,
// save_steps and predict_and_evaluate_after of the reference runs on the digits.
TEST_F(TraceTest, WritesTheLinesOfHuggingFacesTrainer) {
  CallbackHandler handler(TraceCallback({.path = path_, .clock_values_as_null = true}));
  handler.on_init_end(args_, state_, control_);

  state_.global_step = 1;
  state_.epoch = 1.0 / 90;
  handler.on_step_end(args_, state_, control_);

  state_.global_step = 4;
  state_.epoch = 4.0 / 90;
  handler.on_evaluate(args_, state_, control_,
                      Metrics{{"eval_loss", 2.201937437057495},
                              {"eval_accuracy", 0.24444444444444444},
                              {"eval_runtime", 0.0123},
                              {"eval_samples_per_second", 1234.5},
                              {"eval_steps_per_second", 67.8},
                              {"epoch", 4.0 / 90}});

  state_.global_step = 5;
  state_.epoch = 0.05555555555555555;
  handler.on_log(args_, state_, control_,
                 Logs{{"loss", kNaN},
                      {"grad_norm", 0.38756561279296875},
                      {"learning_rate", 0.004},
                      {"epoch", 0.05555555555555555}});
  state_.epoch = 1;
  handler.on_save(args_, state_, control_, Checkpoint{.directory = "out/checkpoint-5", .step = 5});

  state_.global_step = 6;
  state_.epoch = 0.06666666666666667;
  control_.should_training_stop = true;
  handler.on_predict(args_, state_, control_,
                     Metrics{{"test_loss", 2.268003463745117},
                             {"test_accuracy", 0.1527777777777778},
                             {"test_runtime", 0.1},
                             {"test_samples_per_second", 3600.0},
                             {"test_steps_per_second", 30.0}});

  state_.global_step = 36;
  state_.epoch = 0.4;
  handler.on_log(args_, state_, control_,
                 Logs{{"train_runtime", 1.0},
                      {"train_samples_per_second", 960.0},
                      {"train_steps_per_second", 60.0},
                      {"total_flos", 0.0},
                      {"train_loss", 1.5302662584516737},
                      {"epoch", 0.4}});
  handler.on_train_end(args_, state_, control_, RunEnd{});

  EXPECT_EQ(
      text(),
      R"({"event": "on_init_end", "global_step": 0, "epoch": 0.0, "control": {"should_training_stop": false, "should_epoch_stop": false, "should_save": false, "should_evaluate": false, "should_log": false}}
{"event": "on_step_end", "global_step": 1, "epoch": 0.011111111111111112, "control": {"should_training_stop": false, "should_epoch_stop": false, "should_save": false, "should_evaluate": false, "should_log": false}}
{"event": "on_evaluate", "global_step": 4, "epoch": 0.044444444444444446, "control": {"should_training_stop": false, "should_epoch_stop": false, "should_save": false, "should_evaluate": false, "should_log": false}, "metrics": {"eval_loss": 2.201937437057495, "eval_accuracy": 0.24444444444444444, "eval_runtime": null, "eval_samples_per_second": null, "eval_steps_per_second": null, "epoch": 0.044444444444444446}}
{"event": "on_log", "global_step": 5, "epoch": 0.05555555555555555, "control": {"should_training_stop": false, "should_epoch_stop": false, "should_save": false, "should_evaluate": false, "should_log": false}, "logs": {"loss": NaN, "grad_norm": 0.38756561279296875, "learning_rate": 0.004, "epoch": 0.05555555555555555}}
{"event": "on_save", "global_step": 5, "epoch": 1.0, "control": {"should_training_stop": false, "should_epoch_stop": false, "should_save": false, "should_evaluate": false, "should_log": false}}
{"event": "on_predict", "global_step": 6, "epoch": 0.06666666666666667, "control": {"should_training_stop": true, "should_epoch_stop": false, "should_save": false, "should_evaluate": false, "should_log": false}, "metrics": {"test_loss": 2.268003463745117, "test_accuracy": 0.1527777777777778, "test_runtime": null, "test_samples_per_second": null, "test_steps_per_second": null}}
{"event": "on_log", "global_step": 36, "epoch": 0.4, "control": {"should_training_stop": true, "should_epoch_stop": false, "should_save": false, "should_evaluate": false, "should_log": false}, "logs": {"train_runtime": null, "train_samples_per_second": null, "train_steps_per_second": null, "total_flos": null, "train_loss": 1.5302662584516737, "epoch": 0.4}}
{"event": "on_train_end", "global_step": 36, "epoch": 0.4, "control": {"should_training_stop": true, "should_epoch_stop": false, "should_save": false, "should_evaluate": false, "should_log": false}}
)");
}

TEST_F(TraceTest, KeepsClockDependentValuesUnlessAsked) {
  CallbackHandler handler{TraceCallback(path_)};
  handler.on_log(args_, state_, control_,
                 Logs{{"train_runtime", 1.5}, {"total_flos", 0.0}, {"eval_model_preparation_time", 0.25}});
  EXPECT_NE(text().find(R"("logs": {"train_runtime": 1.5, "total_flos": 0.0, "eval_model_preparation_time": 0.25}})"),
            std::string::npos)
      << text();
}

TEST_F(TraceTest, WritesIntegersTextAndAWholeEpoch) {
  CallbackHandler handler{TraceCallback(path_)};
  handler.on_log(args_, state_, control_,
                 Logs{{"tokens", int64_t{7}}, {"note", "größer \"x\""}, {"epoch", int64_t{1}}});
  EXPECT_NE(text().find(R"("logs": {"tokens": 7, "note": "gr\u00f6\u00dfer \"x\"", "epoch": 1.0}})"), std::string::npos)
      << text();
}

void call_all_events(auto& handler) {
  const TrainingArguments args;
  const TrainerState state;
  TrainerControl control;
  const RunEnd end;
  const Checkpoint checkpoint;
  const PredictionProgress progress;
  const EventName name;
  const std::exception_ptr exception;
  Logs logs;
  handler.call_event(on_train_begin, args, state, control);
  handler.call_event(on_substep_begin, args, state, control);
  handler.call_event(on_gradients_ready, args, state, control);
  handler.call_event(on_evaluate_begin, args, state, control, progress);
  handler.call_event(on_prediction_step, args, state, control, progress);
  handler.call_event(on_predict_begin, args, state, control, progress);
  handler.call_event(on_load_checkpoint, args, state, control, checkpoint);
  handler.call_event(on_push_begin, args, state, control);
  handler.call_event(on_exception, args, state, control, exception, name);
  handler.call_event(on_train_end, args, state, control, end);
}

std::string events_in(const std::string& trace) {
  std::string events;
  std::stringstream lines(trace);
  for (std::string line; std::getline(lines, line);) {
    const size_t begin = line.find("\"on_") + 1;
    events += line.substr(begin, line.find('"', begin) - begin) + " ";
  }
  return events;
}

TEST_F(TraceTest, WritesHuggingFacesEventsOnly) {
  CallbackHandler handler{TraceCallback(path_)};
  call_all_events(handler);
  EXPECT_EQ(events_in(text()), "on_train_begin on_prediction_step on_push_begin on_train_end ");
}

TEST_F(TraceTest, WritesTheAddedEventsOnRequest) {
  CallbackHandler handler{TraceCallback({.path = path_, .added_events = true})};
  call_all_events(handler);
  EXPECT_EQ(events_in(text()),
            "on_train_begin on_substep_begin on_gradients_ready on_evaluate_begin on_prediction_step on_predict_begin "
            "on_load_checkpoint on_push_begin on_exception on_train_end ");
}

TEST_F(TraceTest, SeesWhatTheCallbacksBeforeItDid) {
  struct Stops {
    void on_step_end(TrainerControl& control) { control.should_training_stop = true; }
  };
  CallbackHandler handler(Stops{}, TraceCallback(path_));
  handler.on_step_end(args_, state_, control_);
  EXPECT_NE(text().find(R"("should_training_stop": true)"), std::string::npos) << text();
}

TEST_F(TraceTest, HasEveryLineInTheFileBeforeTheRunGoesOn) {
  CallbackHandler handler{TraceCallback(path_)};
  handler.on_step_begin(args_, state_, control_);
  EXPECT_EQ(text().back(), '\n');
}

TEST_F(TraceTest, BeginsTheFileAnewWithTheFirstEvent) {
  std::ofstream(path_) << "of an earlier run\n";
  CallbackHandler handler{TraceCallback(path_)};
  EXPECT_EQ(text(), "of an earlier run\n");
  handler.on_train_begin(args_, state_, control_);
  handler.on_epoch_begin(args_, state_, control_);
  EXPECT_EQ(events_in(text()), "on_train_begin on_epoch_begin ");
}

TEST_F(TraceTest, LeavesTheFileToTheFirstProcess) {
  CallbackHandler first{TraceCallback(path_)};
  first.on_train_begin(args_, state_, control_);
  CallbackHandler second{TraceCallback(path_)};
  state_.is_world_process_zero = false;
  second.on_train_begin(args_, state_, control_);
  EXPECT_EQ(events_in(text()), "on_train_begin ");
}

TEST_F(TraceTest, RefusesAPathThatCannotBeWritten) {
  const std::string path = testing::TempDir() + "no/such/folder/trace.jsonl";
  try {
    TraceCallback trace(path);
    FAIL();
  } catch (const std::runtime_error& refused) {
    EXPECT_EQ(refused.what(), "TraceCallback cannot write to \"" + path + "\": No such file or directory");
  }
}

TEST_F(TraceTest, WarnsOnceAndLetsTheRunGoOnWhenTheDiskIsFull) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full";
  const ScopedMessageCapture messages;
  CallbackHandler handler{TraceCallback("/dev/full")};
  handler.on_train_begin(args_, state_, control_);
  handler.on_epoch_begin(args_, state_, control_);
  EXPECT_EQ(messages.text(),
            "downbeat: warning: TraceCallback cannot write to \"/dev/full\" any more: No space left on device\n");
}

}  // namespace
}  // namespace downbeat
