#include "callbacks/pipeline/dynamic_callback_handler.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "callbacks/vocabulary/message.h"

namespace downbeat {
namespace {

using Names = std::vector<std::string>;

class DynamicCount : public DynamicCallback {
 public:
  void on_step_end(const TrainingArguments&, const TrainerState& state, TrainerControl& control) override {
    sum += state.global_step;
    control.should_log = true;
  }
  std::optional<CallbackState> state() const override { return CallbackState{.attributes = {{"sum", sum}}}; }
  void load_state(const CallbackState& state) override { sum = std::get<int64_t>(state.attributes.at("sum")); }

  int64_t sum = 0;
};
class DerivedDynamicCount : public DynamicCount {};
class Silent : public DynamicCallback {};

struct Count {
  int64_t sum = 0;
  void on_step_end(const TrainerState& state) { sum += state.global_step; }
  CallbackState state() const { return {.attributes = {{"sum", sum}}}; }
  void load_state(const CallbackState& state) { sum = std::get<int64_t>(state.attributes.at("sum")); }
};
struct DerivedCount : Count {};
struct Recorder {
  std::vector<int>* order;
  int number;
  void on_step_end() { order->push_back(number); }
};
struct DefaultFlowCallback {
  void on_step_end(TrainerControl& control) { control.should_log = true; }
};

class DynamicTest : public testing::Test {
 protected:
  void step(auto& handler) { handler.on_step_end(args_, state_, control_); }

  const TrainingArguments args_{.max_steps = 100};
  TrainerState state_{[&] {
    TrainerState state(args_);
    state.global_step = 1;
    return state;
  }()};
  TrainerControl control_;
  Logs logs_{{"loss", 0.5}};
  ScopedMessageCapture messages_;
};

// DynamicCallbacks, the list in the static tuple.

TEST_F(DynamicTest, TheListHearsWhereItStandsInTheTuple) {
  std::vector<int> order;
  CallbackHandler handler(Recorder{&order, 1}, DynamicCallbacks{}, Recorder{&order, 4});
  handler.get<DynamicCallbacks>().add_callback(Recorder{&order, 2});
  handler.get<DynamicCallbacks>().add_callback(with_key<"second">(Recorder{&order, 3}));
  step(handler);
  EXPECT_EQ(order, (std::vector{1, 2, 3, 4}));
}

TEST_F(DynamicTest, AnEmptyListHearsEverythingAndDoesNothing) {
  CallbackHandler handler(DynamicCallbacks{});
#define DOWNBEAT_X(event, ...)                                                                            \
  handler.call_event(event, args_, state_, control_, logs_, RunEnd{}, Checkpoint{}, PredictionProgress{}, \
                     std::exception_ptr{}, EventName{});
  DOWNBEAT_EVENTS(DOWNBEAT_X)
#undef DOWNBEAT_X
}

class AllEvents : public DynamicCallback {
 public:
  Names heard;
#define DOWNBEAT_X(event, ...)                                                                                     \
  void event(const TrainingArguments&, const TrainerState&, TrainerControl& __VA_OPT__(, ) __VA_ARGS__) override { \
    heard.emplace_back(#event);                                                                                    \
  }
  DOWNBEAT_EVENTS(DOWNBEAT_X)
#undef DOWNBEAT_X
};

TEST_F(DynamicTest, EveryEventReachesItsVirtualFunction) {
  auto all = std::make_shared<AllEvents>();
  DynamicCallbackHandler handler(all);
  Names names;
#define DOWNBEAT_X(event, ...)                                                                                      \
  handler.event(args_, state_, control_, logs_, RunEnd{}, Checkpoint{}, PredictionProgress{}, std::exception_ptr{}, \
                EventName{});                                                                                       \
  names.emplace_back(#event);
  DOWNBEAT_EVENTS(DOWNBEAT_X)
#undef DOWNBEAT_X
  EXPECT_EQ(all->heard, names);
}

struct ByAnyParameters {
  std::string heard;
  void on_log(Logs& logs, TrainerControl& control) {
    logs["more"] = 1.0;
    control.should_save = true;
  }
  void on_save(const Checkpoint& checkpoint) { heard += checkpoint.directory; }
  void on_exception(const std::exception_ptr& exception, const EventName& event) {
    heard += exception ? "an exception in " + std::string(event.name) : "";
  }
  void on_train_end(auto& event) { heard += event.template get<RunEnd>().reason; }
};

TEST_F(DynamicTest, APlainCallbackInTheListIsMatchedByTypeToo) {
  DynamicCallbackHandler handler(ByAnyParameters{});
  handler.on_log(args_, state_, control_, logs_);
  EXPECT_TRUE(logs_.contains("more"));
  EXPECT_TRUE(control_.should_save);
  handler.on_save(args_, state_, control_, Checkpoint{"checkpoint-1", 1});
  handler.on_exception(args_, state_, control_, std::make_exception_ptr(1), EventName{"on_log"});
  handler.on_train_end(args_, state_, control_, RunEnd{.reason = "; end"});
  EXPECT_EQ(handler.get_callback<ByAnyParameters>()->heard, "checkpoint-1an exception in on_log; end");
}

TEST_F(DynamicTest, WhatElseALoopPassesIsPassedOver) {
  struct Model {
  } model;
  DynamicCallbackHandler handler(Count{});
  handler.on_step_end(model, control_, state_, args_);
  EXPECT_EQ(handler.get_callback<Count>()->sum, 1);
}

// Adding.

TEST_F(DynamicTest, CallbacksAreAddedInEveryWayTheyCanBeHeld) {
  Count by_reference;
  auto shared = std::make_shared<Count>();
  auto shared_dynamic = std::make_shared<DynamicCount>();
  DynamicCallbacks list;
  list.add_callback(std::make_unique<DynamicCount>());
  list.add_callback(shared_dynamic);
  list.add_callback(DynamicCount());
  list.add_callback<DynamicCount>();
  list.add_callback(Count{});
  list.add_callback<Count>();
  list.add_callback(std::ref(by_reference));
  list.add_callback(shared);
  list.add_callback(std::make_unique<Count>());
  list.add_callback(std::optional<Count>());
  list.add_callback(with_key<"key">(Count{}));
  EXPECT_EQ(list.callback_list(), (Names{"DynamicCount", "DynamicCount", "DynamicCount", "DynamicCount", "Count",
                                         "Count", "Count", "Count", "Count", "Count", "Count[key]"}));
  CallbackHandler handler(std::move(list));
  step(handler);
  EXPECT_EQ(by_reference.sum, 1);
  EXPECT_EQ(shared->sum, 1);
  EXPECT_EQ(shared_dynamic->sum, 1);
}

TEST_F(DynamicTest, ASecondOneOfExactlyTheSameClassIsAddedWithAWarning) {
  DynamicCallbacks list;
  list.add_callback(Count{});
  list.add_callback<DynamicCount>();
  list.add_callback(DerivedCount{});
  list.add_callback<DerivedDynamicCount>();
  list.add_callback(with_key<"another">(Count{}));
  EXPECT_EQ(messages_.text(), "");
  list.add_callback(std::make_shared<Count>());
  EXPECT_EQ(messages_.lines(),
            (Names{"downbeat: warning: a Count is added, but there is one already; the callbacks are "
                   "Count, DynamicCount, DerivedCount, DerivedDynamicCount, Count[another]"}));
  EXPECT_EQ(list.size(), 6u);
}

TEST_F(DynamicTest, ANullPointerIsRefused) {
  DynamicCallbacks list;
  EXPECT_THROW(list.add_callback(std::unique_ptr<DynamicCallback>()), std::invalid_argument);
}

struct AddsAnother {
  DynamicCallbacks* list;
  std::vector<int>* order;
  void on_step_end() {
    for (int i = 0; i < 50 && list->size() < 50; ++i) list->add_callback(Recorder{order, i});
  }
};

TEST_F(DynamicTest, AHookMayAddCallbacksWhichHearTheSameEvent) {
  std::vector<int> order;
  CallbackHandler handler(DynamicCallbacks{});
  auto& list = handler.get<DynamicCallbacks>();
  list.add_callback(AddsAnother{&list, &order});
  step(handler);
  EXPECT_EQ(order.size(), 49u);
}

// Taking out.

TEST_F(DynamicTest, PopGivesTheFirstOfTheClassAndSubclassesCount) {
  DynamicCallbacks list;
  list.add_callback(DerivedDynamicCount());
  list.add_callback(DynamicCount());
  list.add_callback(DerivedCount{{.sum = 1}});
  list.add_callback(Count{.sum = 2});

  EXPECT_EQ(list.pop_callback<DynamicCount>()->name(), "DerivedDynamicCount");
  EXPECT_EQ(list.pop_callback<Count>()->sum, 1);
  EXPECT_EQ(list.pop_callback<Count>()->sum, 2);
  EXPECT_EQ(list.pop_callback<Count>(), nullptr);
  EXPECT_EQ(list.pop_callback<DerivedDynamicCount>(), nullptr);
  EXPECT_EQ(list.callback_list(), Names{"DynamicCount"});
}

TEST_F(DynamicTest, PopFindsACallbackHoweverItIsHeld) {
  Count mine;
  DynamicCallbacks list;
  list.add_callback(std::ref(mine));
  list.add_callback(with_key<"key">(std::make_unique<DerivedCount>()));
  list.add_callback(std::optional<Count>());
  EXPECT_EQ(list.pop_callback<Count>().get(), &mine);
  EXPECT_NE(list.pop_callback<DerivedCount>(), nullptr);
  EXPECT_EQ(list.pop_callback<Count>(), nullptr);
}

TEST_F(DynamicTest, APoppedCallbackMayBeAddedAgain) {
  DynamicCallbacks list;
  list.add_callback(Count{.sum = 3});
  list.add_callback<DynamicCount>();
  list.add_callback(list.pop_callback<Count>());
  list.add_callback(list.pop_callback<DynamicCount>());
  EXPECT_EQ(list.callback_list(), (Names{"Count", "DynamicCount"}));
  EXPECT_EQ(list.get_callback<Count>()->sum, 3);
}

TEST_F(DynamicTest, PopByPointerTakesThatVeryOne) {
  DynamicCallbacks list;
  auto second = std::make_shared<DynamicCount>();
  list.add_callback<DynamicCount>();
  list.add_callback(second);
  EXPECT_EQ(list.pop_callback(second.get()), second);
  EXPECT_EQ(list.pop_callback(second.get()), nullptr);
  EXPECT_EQ(list.size(), 1u);
}

TEST_F(DynamicTest, RemovingAnAbsentClassIsIgnored) {
  DynamicCallbacks list;
  list.add_callback<Silent>();
  list.remove_callback<Count>();
  list.remove_callback<DynamicCount>();
  list.remove_callback<Silent>();
  EXPECT_TRUE(list.empty());
}

TEST_F(DynamicTest, RemovingAnAbsentCallbackThrows) {
  Count mine, other;
  DynamicCallbacks list;
  list.add_callback(std::ref(mine));
  EXPECT_THROW(list.remove_callback(&other), std::invalid_argument);
  list.remove_callback(&mine);
  EXPECT_THROW(list.remove_callback(&mine), std::invalid_argument);
}

TEST_F(DynamicTest, GetReadsACallbackAfterTheRun) {
  DynamicCallbacks list;
  EXPECT_EQ(list.get_callback<Count>(), nullptr);
  list.add_callback(DerivedCount{{.sum = 4}});
  EXPECT_EQ(list.get_callback<Count>()->sum, 4);
  EXPECT_EQ(list.get_callback<DynamicCount>(), nullptr);
}

// State.

TEST_F(DynamicTest, StatesComeBackUnderTheirNames) {
  CallbackHandler handler(Count{1}, DynamicCallbacks{});
  auto& list = handler.get<DynamicCallbacks>();
  list.add_callback(DynamicCount());
  list.add_callback(with_key<"key">(Count{.sum = 2}));
  list.add_callback(Count{.sum = 3});
  list.add_callback(Count{.sum = 4});
  list.add_callback<Silent>();
  const CallbackStates states = handler.states();
  Names names;
  for (const auto& [name, state] : states) names.push_back(name);
  EXPECT_EQ(names, (Names{"Count", "Count[2]", "Count[3]", "Count[key]", "DynamicCount"}));

  CallbackHandler other(Count{}, DynamicCallbacks{});
  auto& other_list = other.get<DynamicCallbacks>();
  other_list.add_callback(Count{});
  other_list.add_callback(Count{});
  other_list.add_callback(with_key<"key">(Count{}));
  other_list.add_callback(DynamicCount());
  other.load_states(states);
  EXPECT_EQ(other.states(), states);
  EXPECT_EQ(other_list.get_callback<Count>()->sum, 3);
}

// DynamicCallbackHandler.

TEST_F(DynamicTest, TheHandlerTakesBackFlagsAsTheStaticOne) {
  const auto same = [&](auto event) {
    CallbackHandler<> fixed;
    DynamicCallbackHandler dynamic{DefaultFlowCallback{}};
    TrainerControl of_fixed{true, true, true, true, true, {}, {}}, of_dynamic = of_fixed;
    fixed.call_event(event, args_, state_, of_fixed, logs_, RunEnd{}, Checkpoint{}, PredictionProgress{},
                     std::exception_ptr{}, EventName{});
    dynamic.call_event(event, args_, state_, of_dynamic, logs_, RunEnd{}, Checkpoint{}, PredictionProgress{},
                       std::exception_ptr{}, EventName{});
    return of_fixed.should_training_stop == of_dynamic.should_training_stop &&
           of_fixed.should_epoch_stop == of_dynamic.should_epoch_stop &&
           of_fixed.should_save == of_dynamic.should_save && of_fixed.should_log == of_dynamic.should_log &&
           of_fixed.should_evaluate == of_dynamic.should_evaluate;
  };
#define DOWNBEAT_X(event, ...) EXPECT_TRUE(same(event)) << #event;
  DOWNBEAT_EVENTS(DOWNBEAT_X)
#undef DOWNBEAT_X
}

TEST_F(DynamicTest, TheListLeavesFlagsThatEarlierCallbacksSetInTheSameEvent) {
  struct AsksToLog {
    void on_log(TrainerControl& control) { control.should_log = true; }
  };
  CallbackHandler handler(AsksToLog{}, DynamicCallbacks{});
  handler.get<DynamicCallbacks>().add_callback(ByAnyParameters{});
  handler.on_log(args_, state_, control_, logs_);
  EXPECT_TRUE(control_.should_log);
}

TEST_F(DynamicTest, AHandlerWithoutDefaultFlowWarns) {
  DynamicCallbackHandler with(Count{}, DefaultFlowCallback{});
  EXPECT_EQ(messages_.text(), "");
  DynamicCallbackHandler without(Count{}, std::make_unique<DynamicCount>());
  EXPECT_EQ(messages_.lines(),
            (Names{"downbeat: warning: no DefaultFlowCallback is among the callbacks, so nothing logs, "
                   "evaluates, saves or stops; they are Count, DynamicCount"}));
}

TEST_F(DynamicTest, AHandlerMoves) {
  DynamicCallbackHandler handler(Count{});
  DynamicCallbackHandler moved = std::move(handler);
  step(moved);
  EXPECT_EQ(moved.get_callback<Count>()->sum, 1);
}

struct Throws {
  std::string text;
  void on_step_end() const { throw std::runtime_error(text); }
  void on_train_end() const { throw std::runtime_error(text); }
  void on_exception() const { throw std::runtime_error(text); }
};
struct CountsTheEnd {
  int calls = 0;
  void on_step_end() { ++calls; }
  void on_train_end() { ++calls; }
  void on_exception() { ++calls; }
};

std::string thrown_by(auto&& call) {
  try {
    call();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "nothing";
}

TEST_F(DynamicTest, ExceptionsLeaveAsInTheStaticHandler) {
  const auto check = [&](auto& handler, const CountsTheEnd& last) {
    const auto step_end = [&] { handler.on_step_end(args_, state_, control_); };
    const auto train_end = [&] { handler.on_train_end(args_, state_, control_, RunEnd{}); };
    const auto exception = [&] { handler.on_exception(args_, state_, control_, std::exception_ptr{}, EventName{}); };
    EXPECT_EQ(thrown_by(step_end), "first");
    EXPECT_EQ(last.calls, 0);
    EXPECT_EQ(thrown_by(train_end), "first");
    EXPECT_EQ(last.calls, 1);
    EXPECT_EQ(thrown_by(exception), "first");
    EXPECT_EQ(last.calls, 2);
  };
  DynamicCallbackHandler dynamic(Throws{"first"}, with_key<"second">(Throws{"second"}), CountsTheEnd{});
  check(dynamic, *dynamic.get_callback<CountsTheEnd>());
  CallbackHandler list(DynamicCallbacks{}, CountsTheEnd{});
  list.get<DynamicCallbacks>().add_callback(Throws{"first"});
  list.get<DynamicCallbacks>().add_callback(with_key<"second">(Throws{"second"}));
  check(list, list.get<CountsTheEnd>());
}

}  // namespace
}  // namespace downbeat
