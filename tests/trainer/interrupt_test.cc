// Signals, with real ones: in this process, and in a run of its own (interrupted_run.cc).
#include "trainer/interrupt.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/trainer/support/files.h"
#include "trainer/run.h"

namespace downbeat {
namespace {

using testing::content;
using testing::entries;
using testing::fresh_directory;
using Strings = std::vector<std::string>;

// --- The guard ---

int own_handler_calls = 0;
void own_handler(int) { ++own_handler_calls; }

struct sigaction handler_of(int signal) {
  struct sigaction action;
  sigaction(signal, nullptr, &action);
  return action;
}

TEST(InterruptGuardTest, AJobThatIgnoresCtrlCGoesOnIgnoringIt) {
  const auto before = std::signal(SIGINT, SIG_IGN);
  {
    const InterruptGuard guard;
    std::raise(SIGINT);
    EXPECT_EQ(interrupt_signal(), 0);
  }
  std::signal(SIGINT, before);
}

TEST(InterruptGuard, NotesTheFirstSignalAndForgetsItWithTheNextGuard) {
  EXPECT_EQ(interrupt_signal(), 0);
  {
    const InterruptGuard guard;
    EXPECT_EQ(interrupt_signal(), 0);
    std::raise(SIGTERM);
    EXPECT_EQ(interrupt_signal(), SIGTERM);
  }
  EXPECT_EQ(interrupt_signal(), 0) << "without a guard there is none";
  const InterruptGuard guard;
  EXPECT_EQ(interrupt_signal(), 0);
}

TEST(InterruptGuard, PutsTheHandlersBackThatWereThereBefore) {
  struct sigaction own = {};
  own.sa_handler = own_handler;
  struct sigaction before;
  sigaction(SIGINT, &own, &before);
  {
    const InterruptGuard guard;
  }
  EXPECT_EQ(handler_of(SIGINT).sa_handler, own_handler);
  EXPECT_EQ(handler_of(SIGTERM).sa_handler, SIG_DFL);
  std::raise(SIGINT);
  EXPECT_EQ(own_handler_calls, 1);
  sigaction(SIGINT, &before, nullptr);
}

TEST(InterruptGuard, BelongsToTheOutermostOne) {
  const InterruptGuard outer;
  {
    const InterruptGuard inner;
    std::raise(SIGINT);
  }
  EXPECT_EQ(interrupt_signal(), SIGINT);
  EXPECT_NE(handler_of(SIGINT).sa_handler, SIG_DFL);
}

TEST(InterruptGuard, EndsTheProcessAtTheSecondSigint) {
  const auto send = [](int first, int second) {
    const InterruptGuard guard;
    std::raise(first);
    std::raise(second);
    std::_Exit(0);
  };
  EXPECT_EXIT(send(SIGINT, SIGINT), ::testing::KilledBySignal(SIGINT), "");
  EXPECT_EXIT(send(SIGTERM, SIGINT), ::testing::KilledBySignal(SIGINT), "");
  EXPECT_EXIT(send(SIGINT, SIGTERM), ::testing::ExitedWithCode(0), "");
}

TEST(Interrupted, NamesTheSignal) {
  EXPECT_STREQ(Interrupted(SIGINT).what(), "the run was interrupted by SIGINT");
  EXPECT_STREQ(Interrupted(SIGTERM).what(), "the run was interrupted by SIGTERM");
  EXPECT_EQ(Interrupted(SIGTERM).signal(), SIGTERM);
}

// --- The body of main() ---

struct Outcome {
  int code;
  std::string said;
};
Outcome outcome_of(const std::function<void()>& body) {
  ::testing::internal::CaptureStderr();
  const int code = run(body);
  return {code, ::testing::internal::GetCapturedStderr()};
}

TEST(Run, GivesZeroAndSaysNothingWhenAllIsWell) {
  const Outcome outcome = outcome_of([] {});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.said, "");
}

TEST(Run, TurnsWhatIsThrownIntoASentenceAndOne) {
  const Outcome outcome = outcome_of([] { throw std::runtime_error("no data"); });
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.said, "error: no data\n");
  EXPECT_EQ(outcome_of([] { throw 42; }).said, "error: something that is no std::exception was thrown\n");
  EXPECT_EQ(outcome_of([] { throw 42; }).code, 1);
}

TEST(Run, TurnsAnInterruptInto130) {
  const Outcome outcome = outcome_of([] { throw Interrupted(SIGINT); });
  EXPECT_EQ(outcome.code, 130);
  EXPECT_EQ(outcome.said, "the run was interrupted by SIGINT\n");
}

TEST(Run, StandsWhereTheUserOfBazelRunStood) {
  const std::filesystem::path before = std::filesystem::current_path();
  const std::string there = std::filesystem::canonical(fresh_directory());
  setenv("BUILD_WORKING_DIRECTORY", there.c_str(), 1);
  std::string stood;
  EXPECT_EQ(run([&] { stood = std::filesystem::current_path(); }), 0);
  unsetenv("BUILD_WORKING_DIRECTORY");
  std::filesystem::current_path(before);
  EXPECT_EQ(stood, there);
}

// --- A run of its own ---

struct Ended {
  int status;
  Strings lines;  // of standard output
  std::string error;
  int code() const { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }
  int signal() const { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }
};

Ended interrupted_run(const std::string& output_dir, Strings flags) {
  const std::string out = output_dir + ".out", err = output_dir + ".err";
  flags.insert(flags.begin(), {"tests/trainer/interrupted_run", "--output_dir=" + output_dir, "--max_steps=6",
                               "--per_device_train_batch_size=4"});
  std::vector<char*> pointers;
  for (std::string& flag : flags) pointers.push_back(flag.data());
  pointers.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    if (freopen(out.c_str(), "w", stdout) && freopen(err.c_str(), "w", stderr)) execv(pointers[0], pointers.data());
    _exit(127);
  }
  Ended ended{};
  waitpid(child, &ended.status, 0);
  std::stringstream text(content(out));
  for (std::string line; std::getline(text, line);) ended.lines.push_back(line);
  ended.error = content(err);
  return ended;
}

const Strings kWholeCheckpoint = {"model.safetensors", "optimizer.pt",       "rng_state.pth",
                                  "scheduler.pt",      "trainer_state.json", "training_args.json"};

TEST(InterruptedRun, EndsItsStepSavesItAndTellsHowItEnded) {
  const std::string output = fresh_directory();
  const Ended ended = interrupted_run(output, {"--at=on_substep_begin", "--step=2", "--signals=INT"});
  EXPECT_EQ(ended.lines,
            (Strings{"step 1", "step 2", "step 3", "saved 3", "interrupted by SIGINT: interrupted by SIGINT"}));
  EXPECT_EQ(ended.error, "the run was interrupted by SIGINT\n");
  EXPECT_EQ(ended.code(), 130);
  EXPECT_EQ(entries(output), (Strings{"checkpoint-3"}));
  EXPECT_EQ(entries(output + "/checkpoint-3"), kWholeCheckpoint);
}

TEST(InterruptedRun, EndsTheSameBySigterm) {
  const std::string output = fresh_directory();
  const Ended ended = interrupted_run(output, {"--at=on_pre_optimizer_step", "--step=0", "--signals=TERM"});
  EXPECT_EQ(ended.lines, (Strings{"step 1", "saved 1", "interrupted by SIGTERM: interrupted by SIGTERM"}));
  EXPECT_EQ(ended.error, "the run was interrupted by SIGTERM\n");
  EXPECT_EQ(ended.code(), 130);
}

TEST(InterruptedRun, IsKilledByASecondSigint) {
  const std::string output = fresh_directory();
  const Ended ended = interrupted_run(output, {"--at=on_step_begin", "--step=2", "--signals=INT,INT"});
  EXPECT_EQ(ended.signal(), SIGINT);
  EXPECT_EQ(ended.lines, (Strings{"step 1", "step 2"}));
  EXPECT_EQ(entries(output), Strings{});
}

TEST(InterruptedRun, SavesNothingWhenNothingIsEverSaved) {
  const std::string output = fresh_directory();
  const Ended ended =
      interrupted_run(output, {"--at=on_step_begin", "--step=2", "--signals=INT", "--save_strategy=no"});
  EXPECT_EQ(ended.lines, (Strings{"step 1", "step 2", "step 3", "interrupted by SIGINT: interrupted by SIGINT"}));
  EXPECT_EQ(ended.code(), 130);
  EXPECT_EQ(entries(output), Strings{});
}

TEST(InterruptedRun, SavesAllTheSameWithEnableJitCheckpoint) {
  const std::string output = fresh_directory();
  const Ended ended = interrupted_run(
      output, {"--at=on_step_begin", "--step=2", "--signals=TERM", "--save_strategy=no", "--enable_jit_checkpoint"});
  EXPECT_EQ(ended.lines,
            (Strings{"step 1", "step 2", "step 3", "saved 3", "interrupted by SIGTERM: interrupted by SIGTERM"}));
  EXPECT_EQ(ended.code(), 130);
  EXPECT_EQ(entries(output), Strings{"checkpoint-3"});
}

TEST(InterruptedRun, BreaksOffAnEvaluationAndSaves) {
  const std::string output = fresh_directory();
  const Ended ended = interrupted_run(
      output, {"--at=on_prediction_step", "--step=2", "--signals=INT", "--eval_strategy=steps", "--eval_steps=1"});
  EXPECT_EQ(ended.lines,
            (Strings{"step 1", "evaluated", "step 2", "saved 2", "interrupted by SIGINT: interrupted by SIGINT"}));
  EXPECT_EQ(ended.code(), 130);
}

TEST(InterruptedRun, DoesNotBeginAnEvaluationThatIsDue) {
  const Ended ended = interrupted_run(
      fresh_directory(), {"--at=on_step_end", "--step=2", "--signals=INT", "--eval_strategy=steps", "--eval_steps=2"});
  EXPECT_EQ(ended.lines, (Strings{"step 1", "step 2", "saved 2", "interrupted by SIGINT: interrupted by SIGINT"}));
}

TEST(InterruptedRun, MakesNoStepAfterASignalInTheFirstEvaluation) {
  const std::string output = fresh_directory();
  const Ended ended = interrupted_run(output, {"--at=on_prediction_step", "--step=0", "--signals=INT",
                                               "--eval_strategy=epoch", "--eval_on_start=true"});
  EXPECT_EQ(ended.lines, (Strings{"interrupted by SIGINT: interrupted by SIGINT"}));
  EXPECT_EQ(ended.code(), 130);
  EXPECT_EQ(entries(output), Strings{}) << "there is nothing to save yet";
}

TEST(InterruptedRun, MakesNoStepAfterASignalAtItsBegin) {
  const Ended ended = interrupted_run(fresh_directory(), {"--at=on_train_begin", "--step=0", "--signals=INT"});
  EXPECT_EQ(ended.lines, (Strings{"interrupted by SIGINT: interrupted by SIGINT"}));
}

TEST(InterruptedRun, SavesAnEvaluatedStepThatIsNotTheBest) {
  const std::string output = fresh_directory();
  const Ended ended = interrupted_run(
      output, {"--at=on_evaluate", "--step=2", "--signals=INT", "--eval_strategy=steps", "--eval_steps=1",
               "--save_strategy=best", "--metric_for_best_model=loss", "--greater_is_better=true"});
  EXPECT_EQ(ended.lines, (Strings{"step 1", "evaluated", "saved 1", "step 2", "evaluated", "saved 2",
                                  "interrupted by SIGINT: interrupted by SIGINT"}));
}

TEST(InterruptedRun, SavesAtTheEndOfAnEpoch) {
  const Ended ended = interrupted_run(fresh_directory(), {"--at=on_epoch_end", "--step=2", "--signals=INT"});
  EXPECT_EQ(ended.lines, (Strings{"step 1", "step 2", "saved 2", "interrupted by SIGINT: interrupted by SIGINT"}));
}

TEST(InterruptedRun, DoesNotForgetASignalThatComesWithTheLastSave) {
  const Ended ended = interrupted_run(fresh_directory(), {"--at=on_save", "--step=6", "--signals=INT"});
  EXPECT_EQ(ended.lines.back(), "interrupted by SIGINT: interrupted by SIGINT");
  EXPECT_EQ(ended.code(), 130);
}

TEST(InterruptedRun, DoesNotForgetASignalThatComesAtTheVeryEnd) {
  const Ended ended = interrupted_run(fresh_directory(), {"--at=on_train_end", "--step=6", "--signals=INT"});
  EXPECT_EQ(ended.lines.back(), "completed by : ");
  EXPECT_EQ(ended.code(), 130);
}

TEST(InterruptedRun, CanTrainAnewInTheSameProcess) {
  const Ended ended = interrupted_run(
      fresh_directory(), {"--at=on_step_begin", "--step=5", "--signals=INT", "--again", "--save_strategy=no"});
  EXPECT_EQ(ended.code(), 0);
  EXPECT_EQ(ended.lines.size(), 6 + 1 + 6 + 1 + 1);
  EXPECT_EQ(ended.lines[12], "step 6");
  EXPECT_EQ(ended.lines[13], "completed by : ");
  EXPECT_EQ(ended.lines[14], "done");
}

}  // namespace
}  // namespace downbeat
