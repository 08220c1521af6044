// What every callback obeys, written once: a typed test suite over subjects.
//
// A subject says how to make the callback: `static auto make(const Place& place)`, which writes where `place` says, if
// it writes at all. Each law runs the subject in a SyntheticRun in two ways, which must not differ: in what a Recorder
// behind it hears, in what it prints or writes, and in its state.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>

#include "callbacks/pipeline/callback_handler.h"
#include "callbacks/pipeline/dynamic_callback_handler.h"
#include "callbacks/vocabulary/message.h"
#include "callbacks/vocabulary/trainer_state_json.h"
#include "tests/laws/synthetic_run.h"

namespace downbeat::laws {

// Where a subject writes: an own file, read when the run is over.
class Place {
 public:
  Place() : path_(testing::TempDir() + "/place_" + std::to_string(++count)), stream_(std::fopen(path_.c_str(), "w+")) {}
  ~Place() {
    std::fclose(stream_);
    std::filesystem::remove(path_);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  const std::string& path() const { return path_; }
  std::FILE* stream() const { return stream_; }
  std::string text() const {
    std::fflush(stream_);
    std::ostringstream all;
    all << std::ifstream(path_).rdbuf();
    return all.str();
  }

 private:
  static inline int count = 0;
  std::string path_;
  std::FILE* stream_;
};

// Hears everything and writes down what it saw.
class Recorder {
 public:
  explicit Recorder(std::string* lines) : lines_(lines) {}
#define DOWNBEAT_X(hook, ...) \
  void hook(auto& event) { record(event); }
  DOWNBEAT_EVENTS(DOWNBEAT_X)
#undef DOWNBEAT_X

 private:
  template <class Event, class... Things>
  void record(const contract::View<Event, Things...>& event) {
    const TrainerControl& control = event.control();
    std::ostringstream line;
    line << Event::name() << " " << event.state().global_step << " stop=" << control.should_training_stop
         << control.should_epoch_stop << " save=" << control.should_save << " evaluate=" << control.should_evaluate
         << " log=" << control.should_log;
    if constexpr (contract::View<Event, Things...>::template has<Logs>()) {
      for (const auto& [name, value] : event.logs()) line << " " << name;
    }
    *lines_ += line.str() + "\n";
  }

  std::string* lines_;
};

// Hears something and does nothing about it.
struct Quiet {
  int64_t heard = 0;
  void on_step_begin() { ++heard; }
  void on_log(const Logs&, const TrainerState&) { ++heard; }
  void on_train_end(const TrainerControl&) { ++heard; }
};

// The flags that HuggingFace's handler takes back are down when the first callback hears of the event.
struct SeesFlagsTakenBack {
  void on_train_begin(const TrainerControl& control) { EXPECT_FALSE(control.should_training_stop); }
  void on_epoch_begin(const TrainerControl& control) { EXPECT_FALSE(control.should_epoch_stop); }
  void on_step_begin(const TrainerControl& control) {
    EXPECT_FALSE(control.should_log || control.should_evaluate || control.should_save);
  }
  void on_evaluate(const TrainerControl& control) { EXPECT_FALSE(control.should_evaluate); }
  void on_save(const TrainerControl& control) { EXPECT_FALSE(control.should_save); }
  void on_log(const TrainerControl& control) { EXPECT_FALSE(control.should_log); }
};

// All that can be seen of a run.
struct Seen {
  std::string heard;
  std::string written;
  CallbackStates states;
  int64_t steps = 0;
  bool operator==(const Seen&) const = default;
};
inline void PrintTo(const Seen& seen, std::ostream* out) {
  *out << seen.steps << " steps\n" << seen.heard << "written:\n" << seen.written << "states: " << seen.states.size();
}

inline SyntheticRun run_that_asks() {
  SyntheticRun run;
  run.asks_by_itself = true;
  return run;
}

// Runs what `with(callback, recorder)` makes of the two.
template <class Subject>
Seen see(auto&& with) {
  const ScopedMessageCapture silence;
  const Place place;
  Seen seen;
  testing::internal::CaptureStdout();
  {
    SyntheticRun run = run_that_asks();
    auto handler = with(Subject::make(place), Recorder(&seen.heard));
    run.begin(handler);
    run.finish(handler);
    seen.states = handler.states();
    seen.steps = run.state.global_step;
  }
  seen.written = testing::internal::GetCapturedStdout() + place.text();
  return seen;
}
template <class Subject>
Seen see_alone() {
  return see<Subject>([](auto callback, Recorder recorder) { return Callbacks(std::move(callback), recorder); });
}

template <class Subject>
class Laws : public testing::Test {};
TYPED_TEST_SUITE_P(Laws);

TYPED_TEST_P(Laws, TwoFreshOnesBehaveTheSame) { EXPECT_EQ(see_alone<TypeParam>(), see_alone<TypeParam>()); }

TYPED_TEST_P(Laws, AQuietCallbackBesideItChangesNothing) {
  const Seen among = see<TypeParam>([](auto callback, Recorder recorder) {
    return Callbacks(with_key<"before">(Quiet{}), std::move(callback), with_key<"after">(Quiet{}), recorder);
  });
  EXPECT_EQ(among, see_alone<TypeParam>());
}

TYPED_TEST_P(Laws, AHandlerThatMovesInTheMiddleBehavesTheSame) {
  const ScopedMessageCapture silence;
  const Place place;
  Seen seen;
  testing::internal::CaptureStdout();
  {
    SyntheticRun run = run_that_asks();
    auto first = Callbacks(TypeParam::make(place), Recorder(&seen.heard));
    run.begin(first);
    run.steps(first, 5);
    auto second = std::move(first);
    run.steps(second, 5);
    auto third = std::move(second).add(Quiet{});
    run.finish(third);
    seen.states = third.states();
    seen.steps = run.state.global_step;
  }
  seen.written = testing::internal::GetCapturedStdout() + place.text();
  EXPECT_EQ(seen, see_alone<TypeParam>());
}

TYPED_TEST_P(Laws, ItIsTheSameHoweverItIsHeld) {
  const Seen alone = see_alone<TypeParam>();
  EXPECT_EQ(alone, see<TypeParam>([](auto callback, Recorder recorder) {
              return Callbacks(std::make_unique<decltype(callback)>(std::move(callback)), recorder);
            }));
  EXPECT_EQ(alone, see<TypeParam>([](auto callback, Recorder recorder) {
              return Callbacks(std::make_shared<decltype(callback)>(std::move(callback)), recorder);
            }));
  EXPECT_EQ(alone, see<TypeParam>([](auto callback, Recorder recorder) {
              return Callbacks(std::optional(std::move(callback)), recorder);
            }));
}

TYPED_TEST_P(Laws, BehindVirtualFunctionsItIsTheSame) {
  const Seen alone = see_alone<TypeParam>();
  EXPECT_EQ(alone, see<TypeParam>([](auto callback, Recorder recorder) {
              CallbackHandler handler(DynamicCallbacks{}, recorder);
              handler.template get<DynamicCallbacks>().add_callback(std::move(callback));
              return handler;
            }));
  EXPECT_EQ(alone, see<TypeParam>([](auto callback, Recorder recorder) {
              return DynamicCallbackHandler(std::move(callback), recorder);
            }));
}

TYPED_TEST_P(Laws, AStateThatIsSavedAndRestoredContinuesTheSame) {
  for (int64_t saved_after : {1, 7, 13, 19}) {
    const ScopedMessageCapture silence;
    const Place place, other_place;
    testing::internal::CaptureStdout();
    std::string rest_of_unbroken, rest_of_restored;
    {
      SyntheticRun unbroken = run_that_asks();
      std::string heard;
      auto handler = Callbacks(TypeParam::make(place), Recorder(&heard));
      unbroken.begin(handler);
      unbroken.steps(handler, saved_after);

      SyntheticRun restored = unbroken;
      auto fresh = Callbacks(TypeParam::make(other_place), Recorder(&rest_of_restored));
      fresh.load_states(handler.states());
      EXPECT_EQ(fresh.states(), handler.states());
      restored.finish(fresh);

      heard.clear();
      unbroken.finish(handler);
      rest_of_unbroken = heard;
      EXPECT_EQ(fresh.states(), handler.states());
    }
    testing::internal::GetCapturedStdout();
    EXPECT_EQ(rest_of_restored, rest_of_unbroken) << "saved after step " << saved_after;
  }
}

TYPED_TEST_P(Laws, ItLeavesArgumentsAndStateAsTheyAre) {
  const ScopedMessageCapture silence;
  const Place place;
  testing::internal::CaptureStdout();
  {
    const auto every_event = [](SyntheticRun& run, auto& handler) {
      Logs logs{{"loss", 1.0}};
#define DOWNBEAT_X(event, ...)                                                                                    \
  handler.event(run.args, run.state, run.control, logs, RunEnd{}, Checkpoint{}, PredictionProgress{.batches = 1}, \
                std::exception_ptr{}, EventName{});
      DOWNBEAT_EVENTS(DOWNBEAT_X)
#undef DOWNBEAT_X
    };
    SyntheticRun run, untouched;
    auto handler = Callbacks(TypeParam::make(place));
    every_event(run, handler);
    EXPECT_EQ(run.args, untouched.args);
    EXPECT_EQ(to_json(run.state), to_json(untouched.state));
  }
  testing::internal::GetCapturedStdout();
}

TYPED_TEST_P(Laws, FlagsAreTakenBackBeforeTheFirstCallbackHears) {
  see<TypeParam>(
      [](auto callback, Recorder recorder) { return Callbacks(SeesFlagsTakenBack{}, std::move(callback), recorder); });
}

REGISTER_TYPED_TEST_SUITE_P(Laws, TwoFreshOnesBehaveTheSame, AQuietCallbackBesideItChangesNothing,
                            AHandlerThatMovesInTheMiddleBehavesTheSame, ItIsTheSameHoweverItIsHeld,
                            BehindVirtualFunctionsItIsTheSame, AStateThatIsSavedAndRestoredContinuesTheSame,
                            ItLeavesArgumentsAndStateAsTheyAre, FlagsAreTakenBackBeforeTheFirstCallbackHears);

}  // namespace downbeat::laws
