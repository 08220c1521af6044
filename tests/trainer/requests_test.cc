#include "trainer/requests.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

namespace downbeat {
namespace {

TrainerControl asking(std::initializer_list<bool TrainerControl::*> flags) {
  TrainerControl control;
  for (const auto flag : flags) control.*flag = true;
  return control;
}

// Two processes, of which the other one asks for `theirs` whenever all exchange.
struct TwoProcesses {
  Requests theirs;
  std::vector<Requests> mine;
  RequestsOfAll requests{[this](const Requests& asked) {
    mine.push_back(asked);
    Requests all = asked;
    add_flags(all.control, theirs.control);
    all.signal = std::max(asked.signal, theirs.signal);
    return all;
  }};
};

TEST(RequestsOfAll, HoldsBackWhatIsAskedBeyondTheRules) {
  TwoProcesses two;
  TrainerControl control = asking({&TrainerControl::should_evaluate, &TrainerControl::should_log});
  two.requests.hold(control, asking({&TrainerControl::should_log}));
  EXPECT_FALSE(control.should_evaluate);
  EXPECT_TRUE(control.should_log);
  EXPECT_TRUE(two.requests.any());
}

TEST(RequestsOfAll, LeavesTheRulesAloneAndAsksForNothingThen) {
  TwoProcesses two;
  TrainerControl control = asking({&TrainerControl::should_training_stop, &TrainerControl::should_save});
  two.requests.hold(control, control);
  EXPECT_TRUE(control.should_training_stop && control.should_save);
  EXPECT_FALSE(two.requests.any());
}

TEST(RequestsOfAll, SetsWhatAnyProcessAskedForAfterAnExchange) {
  TwoProcesses two;
  two.theirs.control.stop_training("they have seen enough");
  TrainerControl control = asking({&TrainerControl::should_save});
  two.requests.hold(control, {});
  two.requests.exchange();
  two.requests.take_up(control);
  EXPECT_TRUE(control.should_save && control.should_training_stop);
  EXPECT_EQ(control.stop_reason, "they have seen enough");
  EXPECT_FALSE(two.requests.any());
}

TEST(RequestsOfAll, DoesNotHoldBackAgainWhatAllKnow) {
  TwoProcesses two;
  TrainerControl control = asking({&TrainerControl::should_save});
  two.requests.hold(control, {});
  two.requests.exchange();
  two.requests.take_up(control);
  two.requests.hold(control, two.requests.forget_taken_up());
  EXPECT_TRUE(control.should_save);
  EXPECT_FALSE(two.requests.any());
}

TEST(RequestsOfAll, KeepsTheReasonOfAStopThatIsHeldBack) {
  TwoProcesses two;
  TrainerControl control;
  control.stop_training("enough");
  two.requests.hold(control, {});
  EXPECT_EQ(control.stop_reason, "");
  two.requests.agree(control);
  EXPECT_TRUE(control.should_training_stop);
  EXPECT_EQ(control.stop_reason, "enough");
}

TEST(RequestsOfAll, KnowsASignalOfAnotherProcessUntilTheNextRun) {
  TwoProcesses two;
  two.theirs.signal = 15;
  TrainerControl control;
  EXPECT_EQ(two.requests.signal(), 0);
  two.requests.agree(control);
  two.theirs.signal = 0;
  two.requests.agree(control);
  EXPECT_EQ(two.requests.signal(), 15);
  two.requests.begin_run();
  EXPECT_EQ(two.requests.signal(), 0);
}

TEST(RequestsOfAll, DoesNothingForAProcessAlone) {
  RequestsOfAll requests({});
  TrainerControl control = asking({&TrainerControl::should_epoch_stop});
  requests.hold(control, {});
  requests.agree(control);
  EXPECT_TRUE(control.should_epoch_stop);
  EXPECT_FALSE(requests.is_distributed() || requests.any());
}

}  // namespace
}  // namespace downbeat
