#include "callbacks/progress.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "callbacks/pipeline/callback_handler.h"
#include "callbacks/vocabulary/message.h"
#include "tests/callbacks/progress_bar/pseudo_terminal.h"

namespace downbeat {
namespace {

using Screen = std::vector<std::string>;

// A run whose clock and steps the test moves.
class ProgressTest : public testing::Test {
 protected:
  ProgressTest() {
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("TERM", "xterm", 1);
    state_.max_steps = 10;
  }

  ProgressOptions on(std::FILE* stream) {
    return {.bar_stream = stream, .log_stream = stream, .clock = [this] {
              ++looks_at_clock_;
              return now_;
            }};
  }

  void begin(ProgressCallback& progress) { progress.on_train_begin(state_); }
  void step(ProgressCallback& progress, int64_t steps = 1, double seconds_a_step = 1) {
    for (int64_t i = 0; i < steps; ++i) {
      now_ += seconds_a_step;
      ++state_.global_step;
      progress.on_step_end(state_);
    }
  }
  void end(ProgressCallback& progress) { progress.on_train_end(state_, control_); }

  // One second a batch.
  void predict(ProgressCallback& progress, int64_t batches, int64_t of) {
    for (int64_t batch = 1; batch <= batches; ++batch) {
      now_ += 1;
      progress.on_prediction_step({.batch = batch, .batches = of});
    }
  }

  double now_ = 0;
  int looks_at_clock_ = 0;
  TrainerState state_;
  TrainerControl control_;
  PseudoTerminal terminal_{50};
};

// What a file gets instead of a terminal.
class File {
 public:
  ~File() { std::fclose(stream_); }
  std::FILE* stream() { return stream_; }
  std::string text() {
    std::rewind(stream_);
    std::string all;
    for (int c; (c = std::fgetc(stream_)) != EOF;) all += static_cast<char>(c);
    return all;
  }

 private:
  std::FILE* stream_ = std::tmpfile();
};

TEST_F(ProgressTest, HearsTheEventsOfALoop) {
  File file;
  CallbackHandler handler(ProgressCallback(on(file.stream())));
  const TrainingArguments args;
  const PredictionProgress progress{.batch = 0, .batches = 2};
  handler.on_train_begin(args, state_, control_);
  handler.on_step_end(args, state_, control_);
  handler.on_evaluate_begin(args, state_, control_, progress);
  handler.on_prediction_step(args, state_, control_, progress);
  handler.on_log(args, state_, control_, Logs{{"loss", 0.5}});
  handler.on_evaluate(args, state_, control_, Metrics{});
  handler.on_predict_begin(args, state_, control_, progress);
  handler.on_predict(args, state_, control_, Metrics{});
  handler.on_exception(args, state_, control_, std::exception_ptr(), EventName{});
  handler.on_train_end(args, state_, control_);
  EXPECT_EQ(file.text(), "{'loss': '0.5'}\n  0%|          | 0/10 [00:00<?, ?it/s]\n");
}

TEST_F(ProgressTest, ShowsABarFromTheStart) {
  ProgressCallback progress(on(terminal_.stream()));
  EXPECT_EQ(terminal_.written(), "");
  begin(progress);
  EXPECT_EQ(terminal_.screen(), Screen{"  0%|                     | 0/10 [00:00<?, ?it/s]"});
  step(progress, 4);
  EXPECT_EQ(terminal_.screen(), Screen{" 40%|█████▏       | 4/10 [00:04<00:06,  1.00it/s]"});
}

TEST_F(ProgressTest, RedrawsAtMostEveryTenthOfASecond) {
  ProgressCallback progress(on(terminal_.stream()));
  begin(progress);
  const std::string at_start = terminal_.written();
  step(progress, 3, 0.03125);
  EXPECT_EQ(terminal_.written(), at_start);
  step(progress, 1, 0.03125);
  EXPECT_EQ(terminal_.screen(), Screen{" 40%|█████▏       | 4/10 [00:00<00:00, 32.00it/s]"});
}

TEST_F(ProgressTest, HardlyEverReadsTheClockWhenStepsAreQuick) {
  state_.max_steps = 100'000;
  ProgressCallback progress(on(terminal_.stream()));
  begin(progress);
  step(progress, 64'000, 1e-6);
  EXPECT_LT(looks_at_clock_, 1100);
}

TEST_F(ProgressTest, FollowsTheWidthOfTheWindow) {
  ProgressCallback progress(on(terminal_.stream()));
  begin(progress);
  terminal_.resize(60);
  step(progress, 4);
  EXPECT_EQ(terminal_.screen(), Screen{" 40%|█████████▏             | 4/10 [00:04<00:06,  1.00it/s]"});
  terminal_.resize(40);
  step(progress);
  EXPECT_EQ(terminal_.screen(), Screen{" 50%|█▌ | 5/10 [00:05<00:05,  1.00it/s]"});
  terminal_.resize(20);
  step(progress);
  EXPECT_EQ(terminal_.screen(), Screen{" 60%|▌| 6/10 [00:06"});
}

TEST_F(ProgressTest, HasABarOfTenWhereTheWindowHasNoWidth) {
  terminal_.resize(0);
  ProgressCallback progress(on(terminal_.stream()));
  begin(progress);
  EXPECT_EQ(terminal_.screen(), Screen{"  0%|          | 0/10 [00:00<?, ?it/s]"});
}

TEST_F(ProgressTest, DrawsWithAsciiWhereTheLocaleHasNoUtf8) {
  setenv("LC_ALL", "C", 1);
  ProgressCallback progress(on(terminal_.stream()));
  begin(progress);
  step(progress, 4);
  EXPECT_EQ(terminal_.screen(), Screen{" 40%|#####2       | 4/10 [00:04<00:06,  1.00it/s]"});
}

TEST_F(ProgressTest, AsksTheLocaleInItsOrder) {
  const auto is_ascii = [this](const char* all, const char* ctype, const char* lang) {
    setenv("LC_ALL", all, 1);
    setenv("LC_CTYPE", ctype, 1);
    setenv("LANG", lang, 1);
    PseudoTerminal terminal(50);
    ProgressCallback progress(on(terminal.stream()));
    state_.global_step = 0;
    begin(progress);
    step(progress, 4);
    return terminal.screen()[0].find('#') != std::string::npos;
  };
  EXPECT_TRUE(is_ascii("", "", ""));
  EXPECT_FALSE(is_ascii("", "", "de_DE.UTF-8"));
  EXPECT_TRUE(is_ascii("", "POSIX", "de_DE.UTF-8"));
  EXPECT_FALSE(is_ascii("en_US.utf8", "POSIX", "C"));
}

TEST_F(ProgressTest, WritesLogsAboveTheBar) {
  ProgressCallback progress(on(terminal_.stream()));
  begin(progress);
  step(progress, 4);
  progress.on_log({{"loss", 0.42126}, {"total_flos", 12.0}, {"step", int64_t{4}}}, state_);
  EXPECT_EQ(terminal_.screen(), (Screen{
                                    "{'loss': '0.4213', 'step': 4}",
                                    " 40%|█████▏       | 4/10 [00:04<00:06,  1.00it/s]",
                                }));
}

TEST_F(ProgressTest, ShowsTheStepOfALogInTheBarUnderIt) {
  ProgressCallback progress(on(terminal_.stream()));
  begin(progress);
  step(progress, 3, 0.03125);
  progress.on_log({{"loss", 0.5}}, state_);
  EXPECT_EQ(terminal_.screen().back(), " 30%|███▉         | 3/10 [00:00<00:00, 32.00it/s]");
}

TEST_F(ProgressTest, SendsLogsAndBarToStreamsOfTheirOwn) {
  File logs;
  ProgressOptions options = on(terminal_.stream());
  options.log_stream = logs.stream();
  ProgressCallback progress(options);
  begin(progress);
  progress.on_log({{"loss", 0.5}}, state_);
  EXPECT_EQ(logs.text(), "{'loss': '0.5'}\n");
  EXPECT_EQ(terminal_.screen(), Screen{"  0%|                     | 0/10 [00:00<?, ?it/s]"});
}

TEST_F(ProgressTest, LeavesTheLineToALogThatComesThroughAPipe) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ProgressOptions options = on(terminal_.stream());
  options.log_stream = fdopen(ends[1], "w");
  ProgressCallback progress(options);
  begin(progress);
  progress.on_log({{"loss", 0.5}}, state_);
  progress.on_evaluate_begin({.batch = 0, .batches = 20});
  progress.on_evaluate();
  EXPECT_EQ(terminal_.screen(), Screen{""});
  step(progress);
  EXPECT_EQ(terminal_.screen(), Screen{" 10%|█▎           | 1/10 [00:01<00:09,  1.00it/s]"});
  std::fclose(options.log_stream);
  close(ends[0]);
}

TEST_F(ProgressTest, ReplacesLongTextInLogs) {
  ProgressOptions options = on(terminal_.stream());
  options.max_str_len = 3;
  ProgressCallback progress(options);
  begin(progress);
  progress.on_log({{"short", "abc"}, {"long", "abcd"}}, state_);
  EXPECT_EQ(terminal_.screen()[0], "{'short': 'abc', 'long': '[a text of 4 characters; max_str_len=3 shows no more]'}");
}

TEST_F(ProgressTest, WritesLogsOnlyWhileATrainingBarIsOpen) {
  ProgressCallback progress(on(terminal_.stream()));
  progress.on_log({{"loss", 0.5}}, state_);
  EXPECT_EQ(terminal_.written(), "");
}

TEST_F(ProgressTest, ShowsASecondBarDuringAnEvaluationAndTakesItAwayAgain) {
  ProgressCallback progress(on(terminal_.stream()));
  begin(progress);
  step(progress, 4);
  progress.on_evaluate_begin({.batch = 0, .batches = 20});
  EXPECT_EQ(terminal_.screen(), (Screen{
                                    " 40%|█████▏       | 4/10 [00:04<00:06,  1.00it/s]",
                                    "  0%|                     | 0/20 [00:00<?, ?it/s]",
                                }));
  predict(progress, 5, 20);
  progress.on_log({{"eval_loss", 0.5}}, state_);
  EXPECT_EQ(terminal_.screen(), (Screen{
                                    "{'eval_loss': '0.5'}",
                                    " 40%|█████▏       | 4/10 [00:09<00:06,  1.00it/s]",
                                    " 25%|███▎         | 5/20 [00:05<00:15,  1.00it/s]",
                                }));
  progress.on_evaluate();
  EXPECT_EQ(terminal_.screen(), (Screen{
                                    "{'eval_loss': '0.5'}",
                                    " 40%|█████▏       | 4/10 [00:09<00:06,  1.00it/s]",
                                }));
}

TEST_F(ProgressTest, OpensTheSecondBarByItselfInALoopThatDoesNotAnnounceIt) {
  ProgressCallback progress(on(terminal_.stream()));
  begin(progress);
  predict(progress, 1, 20);
  EXPECT_EQ(terminal_.screen().back(), "  5%|█                    | 1/20 [00:00<?, ?it/s]");
  now_ += 1;
  progress.on_prediction_step({.batch = 5, .batches = 20});
  EXPECT_EQ(terminal_.screen().back(), " 25%|███▎         | 5/20 [00:01<00:03,  4.00it/s]");
}

TEST_F(ProgressTest, KeepsTheBarOfAnEvaluationWithoutTraining) {
  ProgressCallback progress(on(terminal_.stream()));
  progress.on_evaluate_begin({.batch = 0, .batches = 20});
  predict(progress, 20, 20);
  progress.on_evaluate();
  EXPECT_EQ(terminal_.screen(), (Screen{"100%|████████████| 20/20 [00:20<00:00,  1.00it/s]", ""}));
}

TEST_F(ProgressTest, ShowsOneBarForEachPrediction) {
  ProgressCallback progress(on(terminal_.stream()));
  for (int i = 0; i < 2; ++i) {
    progress.on_predict_begin({.batch = 0, .batches = 2});
    predict(progress, 2, 2);
    progress.on_predict();
  }
  EXPECT_EQ(terminal_.screen(), (Screen{"100%|██████████████| 2/2 [00:02<00:00,  1.00it/s]",
                                        "100%|██████████████| 2/2 [00:02<00:00,  1.00it/s]", ""}));
}

TEST_F(ProgressTest, EndsWithTheLastStepAndTheAverageRateInALineOfItsOwn) {
  ProgressCallback progress(on(terminal_.stream()));
  begin(progress);
  step(progress, 9, 2);
  step(progress, 1, 0.0078125);
  end(progress);
  EXPECT_EQ(terminal_.screen(), (Screen{"100%|████████████| 10/10 [00:18<00:00,  1.80s/it]", ""}));
}

TEST_F(ProgressTest, SaysWhyTheRunStoppedEarly) {
  ProgressCallback progress(on(terminal_.stream()));
  begin(progress);
  step(progress, 4);
  control_.stop_training("the loss is below its threshold");
  end(progress);
  EXPECT_EQ(terminal_.screen(), (Screen{
                                    " 40%|█████▏       | 4/10 [00:04<00:06,  1.00it/s]",
                                    "stopped after step 4 of 10: the loss is below its threshold",
                                    "",
                                }));
}

TEST_F(ProgressTest, SaysNothingAboutARunThatCameToItsEnd) {
  ProgressCallback progress(on(terminal_.stream()));
  begin(progress);
  step(progress, 10);
  control_.stop_training("it came too late");
  end(progress);
  EXPECT_EQ(terminal_.screen().size(), 2u);
}

TEST_F(ProgressTest, SaysNothingAboutAStopThatWasTakenBack) {
  ProgressCallback progress(on(terminal_.stream()));
  begin(progress);
  step(progress, 4);
  control_.stop_training("of the run before");
  control_.should_training_stop = false;
  end(progress);
  EXPECT_EQ(terminal_.screen().size(), 2u);
}

TEST_F(ProgressTest, CountsWithoutABarWhereThereIsNoEnd) {
  state_.max_steps = -1;
  ProgressCallback progress(on(terminal_.stream()));
  begin(progress);
  EXPECT_EQ(terminal_.screen(), Screen{"0it [00:00, ?it/s]"});
  step(progress, 42);
  EXPECT_EQ(terminal_.screen(), Screen{"42it [00:42,  1.00it/s]"});
  control_.stop_training("enough");
  end(progress);
  EXPECT_EQ(terminal_.screen(), (Screen{"42it [00:42,  1.00it/s]", "stopped after step 42: enough", ""}));
}

TEST_F(ProgressTest, GoesOnWhereAResumedRunGoesOn) {
  state_.global_step = 4;
  ProgressCallback progress(on(terminal_.stream()));
  begin(progress);
  EXPECT_EQ(terminal_.screen(), Screen{" 40%|████████▍            | 4/10 [00:00<?, ?it/s]"});
  step(progress);
  EXPECT_EQ(terminal_.screen(), Screen{" 50%|██████▌      | 5/10 [00:01<00:05,  1.00it/s]"});
}

TEST_F(ProgressTest, LeavesTheLineCleanWhenAnExceptionLeavesTheLoop) {
  ProgressCallback progress(on(terminal_.stream()));
  begin(progress);
  step(progress, 4);
  progress.on_evaluate_begin({.batch = 0, .batches = 20});
  progress.on_exception();
  const Screen after = {" 40%|█████▏       | 4/10 [00:04<00:06,  1.00it/s]", ""};
  EXPECT_EQ(terminal_.screen(), after);
  control_.stop_training("");
  step(progress);
  end(progress);
  EXPECT_EQ(terminal_.screen(), after);
}

TEST_F(ProgressTest, LeavesTheLineCleanWhenItIsDestroyedInTheMiddle) {
  std::optional<ProgressCallback> progress(on(terminal_.stream()));
  begin(*progress);
  step(*progress, 4);
  progress.reset();
  EXPECT_EQ(terminal_.screen(), (Screen{" 40%|█████▏       | 4/10 [00:04<00:06,  1.00it/s]", ""}));
}

TEST_F(ProgressTest, BeginsAnewAfterARunThatNeverGotToItsEnd) {
  ProgressCallback progress(on(terminal_.stream()));
  begin(progress);
  step(progress, 4);
  state_.global_step = 0;
  begin(progress);
  EXPECT_EQ(terminal_.screen(), (Screen{
                                    " 40%|█████▏       | 4/10 [00:04<00:06,  1.00it/s]",
                                    "  0%|                     | 0/10 [00:00<?, ?it/s]",
                                }));
}

// The process's standard error is this terminal as long as the object lives.
class AsStandardError {
 public:
  explicit AsStandardError(std::FILE* stream) : saved_(dup(2)) { dup2(fileno(stream), 2); }
  ~AsStandardError() {
    dup2(saved_, 2);
    close(saved_);
  }

 private:
  int saved_;
};

TEST_F(ProgressTest, KeepsMessagesAboveTheBars) {
  ProgressCallback made(on(terminal_.stream()));
  begin(made);
  ProgressCallback progress = std::move(made);
  step(progress, 4);
  progress.on_evaluate_begin({.batch = 0, .batches = 20});
  {
    const AsStandardError redirected(terminal_.stream());
    std::thread([] { warn("from another thread"); }).join();
  }
  EXPECT_EQ(terminal_.screen(), (Screen{
                                    "downbeat: warning: from another thread",
                                    " 40%|█████▏       | 4/10 [00:04<00:06,  1.00it/s]",
                                    "  0%|                     | 0/20 [00:00<?, ?it/s]",
                                }));
  progress.on_evaluate();
  end(progress);
  const std::string at_end = terminal_.written();
  {
    const AsStandardError redirected(terminal_.stream());
    warn("after the run");
  }
  EXPECT_EQ(terminal_.written(), at_end + "downbeat: warning: after the run\r\n");
}

TEST_F(ProgressTest, ShowsNothingOnOtherProcesses) {
  state_.is_world_process_zero = false;
  CallbackHandler handler(ProgressCallback(on(terminal_.stream())));
  const TrainingArguments args;
  const Metrics metrics{{"eval_loss", 0.5}};
  handler.on_train_begin(args, state_, control_);
  ++state_.global_step;
  handler.on_step_end(args, state_, control_);
  handler.on_evaluate_begin(args, state_, control_, PredictionProgress{.batch = 0, .batches = 1});
  handler.on_prediction_step(args, state_, control_, PredictionProgress{.batch = 1, .batches = 1});
  handler.on_log(args, state_, control_, metrics);
  handler.on_evaluate(args, state_, control_, metrics);
  handler.on_prediction_step(args, state_, control_, PredictionProgress{.batch = 1, .batches = 1});
  handler.on_train_end(args, state_, control_, RunEnd{});
  EXPECT_EQ(terminal_.written(), "");
}

TEST_F(ProgressTest, WritesAPlainLineNowAndThenWhereThereIsNoTerminal) {
  File file;
  state_.max_steps = 100;
  ProgressCallback progress(on(file.stream()));
  begin(progress);
  step(progress, 12);
  progress.on_log({{"loss", 0.5}}, state_);
  step(progress, 10);
  control_.stop_training("enough");
  end(progress);
  EXPECT_EQ(file.text(),
            " 10%|█         | 10/100 [00:10<01:30,  1.00it/s]\n"
            "{'loss': '0.5'}\n"
            " 20%|██        | 20/100 [00:20<01:20,  1.00it/s]\n"
            " 22%|██▏       | 22/100 [00:22<01:18,  1.00it/s]\n"
            "stopped after step 22 of 100: enough\n");
}

TEST_F(ProgressTest, WritesTheLastLineOnlyOnceWhereThereIsNoTerminal) {
  File file;
  ProgressCallback progress(on(file.stream()));
  begin(progress);
  step(progress, 10);
  end(progress);
  EXPECT_EQ(file.text(), "100%|██████████| 10/10 [00:10<00:00,  1.00it/s]\n");
}

TEST_F(ProgressTest, NamesTheLinesOfALongEvaluationWhereThereIsNoTerminal) {
  File file;
  state_.max_steps = 100;
  ProgressCallback progress(on(file.stream()));
  begin(progress);
  progress.on_evaluate_begin({.batch = 0, .batches = 20});
  predict(progress, 20, 20);
  progress.on_evaluate();
  EXPECT_EQ(file.text(),
            "prediction:  50%|█████     | 10/20 [00:10<00:10,  1.00it/s]\n"
            "prediction: 100%|██████████| 20/20 [00:20<00:00,  1.00it/s]\n");
}

TEST_F(ProgressTest, TakesATerminalThatCannotGoBackForNone) {
  setenv("TERM", "dumb", 1);
  ProgressCallback progress(on(terminal_.stream()));
  begin(progress);
  step(progress, 10);
  end(progress);
  EXPECT_EQ(terminal_.written(), "100%|██████████| 10/10 [00:10<00:00,  1.00it/s]\r\n");
}

}  // namespace
}  // namespace downbeat
