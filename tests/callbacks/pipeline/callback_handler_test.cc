#include "callbacks/pipeline/callback_handler.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace downbeat {
namespace {

struct Model {
  int weight = 7;
};
struct FineTunedModel : Model {};

class CallbackHandlerTest : public testing::Test {
 protected:
  const TrainingArguments args_{.max_steps = 100};
  TrainerState state_{args_};
  TrainerControl control_;
  Logs logs_{{"loss", 0.5}};
};

// Matching.

struct HuggingFaceOrder {
  int64_t max_steps = 0;
  void on_step_end(const TrainingArguments& args, const TrainerState&, TrainerControl& control) {
    max_steps = args.max_steps;
    control.should_log = true;
  }
};
struct OtherOrder {
  double loss = 0;
  int64_t step = -1;
  void on_log(const Logs& logs, TrainerControl& control, const TrainerState& state) {
    loss = logs.at("loss");
    step = state.global_step;
    control.should_save = true;
  }
};

TEST_F(CallbackHandlerTest, ParametersAreMatchedInAnyOrder) {
  CallbackHandler handler(HuggingFaceOrder{}, OtherOrder{});
  state_.global_step = 3;
  handler.on_step_end(args_, state_, control_);
  handler.on_log(args_, state_, control_, logs_);
  EXPECT_EQ(handler.get<HuggingFaceOrder>().max_steps, 100);
  EXPECT_EQ(handler.get<OtherOrder>().loss, 0.5);
  EXPECT_EQ(handler.get<OtherOrder>().step, 3);
  EXPECT_TRUE(control_.should_save);
}

TEST_F(CallbackHandlerTest, ThingsMayBePassedInAnyOrder) {
  CallbackHandler handler(OtherOrder{});
  handler.on_log(logs_, control_, state_, args_);
  EXPECT_EQ(handler.get<OtherOrder>().loss, 0.5);
}

struct Nothing {
  int calls = 0;
  void on_step_end() { ++calls; }
};

TEST_F(CallbackHandlerTest, AHookMayAskForNothing) {
  CallbackHandler handler(Nothing{});
  handler.on_step_end(args_, state_, control_);
  EXPECT_EQ(handler.get<Nothing>().calls, 1);
}

TEST_F(CallbackHandlerTest, AnEventIsCalledByItsNameOrByCallEvent) {
  CallbackHandler handler(Nothing{});
  handler.call_event(on_step_end, args_, state_, control_);
  handler.call_event(on_epoch_end, args_, state_, control_);
  EXPECT_EQ(handler.get<Nothing>().calls, 1);
}

struct ByValue {
  int64_t step = 0;
  void on_step_end(TrainerState state) {
    ++state.global_step;
    step = state.global_step;
  }
};

TEST_F(CallbackHandlerTest, AParameterByValueIsACopy) {
  CallbackHandler handler(ByValue{});
  handler.on_step_end(args_, state_, control_);
  EXPECT_EQ(handler.get<ByValue>().step, 1);
  EXPECT_EQ(state_.global_step, 0);
}

struct WantsModel {
  int weight = 0;
  void on_step_end(Model& model) { weight = model.weight++; }
};
struct WantsFineTunedModel {
  int weight = 0;
  void on_step_end(const FineTunedModel& model) { weight = model.weight; }
};

TEST_F(CallbackHandlerTest, AHookMayAskForTheBaseOfWhatIsPassed) {
  CallbackHandler handler(WantsModel{}, WantsFineTunedModel{});
  FineTunedModel model;
  handler.on_step_end(args_, state_, control_, model);
  EXPECT_EQ(handler.get<WantsModel>().weight, 7);
  EXPECT_EQ(handler.get<WantsFineTunedModel>().weight, 8);
}

TEST_F(CallbackHandlerTest, TheExactTypeWinsOverADerivedOne) {
  CallbackHandler handler(WantsModel{});
  Model model{.weight = 1};
  FineTunedModel derived;
  handler.on_step_end(args_, state_, control_, derived, model);
  EXPECT_EQ(handler.get<WantsModel>().weight, 1);
}

struct Static {
  static inline int calls = 0;
  static void on_step_end(const TrainerState&) { ++calls; }
};
struct ConstNoexcept {
  int* calls;
  void on_step_end(const TrainerState&) const noexcept { ++*calls; }
};
struct ReferenceQualified {
  int calls = 0;
  void on_step_end() & { ++calls; }
  void on_epoch_end() & noexcept { ++calls; }
};
struct Inherited : Nothing {};
struct Virtual {
  virtual ~Virtual() = default;
  virtual void on_step_end() = 0;
};
struct Overriding final : Virtual {
  int calls = 0;
  void on_step_end() override { ++calls; }
};

TEST_F(CallbackHandlerTest, HooksOfEveryKindAreHeard) {
  int calls = 0;
  Static::calls = 0;
  CallbackHandler handler(Static{}, ConstNoexcept{&calls}, ReferenceQualified{}, Inherited{}, Overriding{});
  handler.on_step_end(args_, state_, control_);
  handler.on_epoch_end(args_, state_, control_);
  EXPECT_EQ(Static::calls, 1);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(handler.get<ReferenceQualified>().calls, 2);
  EXPECT_EQ(handler.get<Inherited>().calls, 1);
  EXPECT_EQ(handler.get<Overriding>().calls, 1);
}

struct Generic {
  std::string seen;
  double loss = 0;
  int weight = 0;
  void on_step_end(auto& event) {
    seen = std::string(event.name());
    event.control().should_log = event.args().max_steps == 100 && event.state().global_step == 0;
    if constexpr (std::remove_cvref_t<decltype(event)>::template has<Model>())
      weight = event.template get<Model>().weight;
  }
  void on_log(const auto& event) {
    loss = event.logs().at("loss");
    event.logs()["seen"] = 1.0;
  }
  void on_evaluate(auto event) { loss = event.metrics().at("eval_loss"); }
};

TEST_F(CallbackHandlerTest, AGenericHookGetsTheWholeEvent) {
  CallbackHandler handler(Generic{});
  FineTunedModel model;
  handler.on_step_end(args_, state_, control_, model);
  EXPECT_EQ(handler.get<Generic>().seen, "on_step_end");
  EXPECT_TRUE(control_.should_log);
  EXPECT_EQ(handler.get<Generic>().weight, 7);
  handler.on_log(args_, state_, control_, logs_);
  EXPECT_EQ(handler.get<Generic>().loss, 0.5);
  EXPECT_TRUE(logs_.contains("seen"));
  handler.on_evaluate(args_, state_, control_, Metrics{{"eval_loss", 0.25}});
  EXPECT_EQ(handler.get<Generic>().loss, 0.25);
}

struct FinalCallback final {
  int calls = 0;
  void on_step_end(const TrainerState&) { ++calls; }
  void on_epoch_end(auto&) { ++calls; }
};

TEST_F(CallbackHandlerTest, AFinalClassMayBeACallback) {
  CallbackHandler handler(FinalCallback{});
  handler.on_step_end(args_, state_, control_);
  handler.on_epoch_end(args_, state_, control_);
  EXPECT_EQ(handler.get<FinalCallback>().calls, 2);
}

struct AllEvents {
  std::vector<std::string> heard;
#define DOWNBEAT_X(hook, ...) \
  void hook(auto& event) { heard.emplace_back(event.name()); }
  DOWNBEAT_EVENTS(DOWNBEAT_X)
#undef DOWNBEAT_X
};

TEST_F(CallbackHandlerTest, EveryEventReachesItsHook) {
  CallbackHandler handler(AllEvents{});
  std::vector<std::string> names;
#define DOWNBEAT_X(event, ...)            \
  handler.event(args_, state_, control_); \
  names.emplace_back(#event);
  DOWNBEAT_EVENTS(DOWNBEAT_X)
#undef DOWNBEAT_X
  EXPECT_EQ(handler.get<AllEvents>().heard, names);
  EXPECT_EQ(names.size(), 22u);
}

// Order.

struct Recorder {
  std::vector<int>* order;
  int number;
  void on_step_end() { order->push_back(number); }
};

TEST_F(CallbackHandlerTest, CallbacksHearInTheOrderOfTheTuple) {
  std::vector<int> order;
  CallbackHandler handler(Recorder{&order, 1}, Recorder{&order, 2}, Recorder{&order, 3});
  handler.on_step_end(args_, state_, control_);
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

struct Stops {
  void on_step_end(TrainerControl& control) { control.stop_training("enough"); }
};
struct GoesOn {
  bool was_asked_to_stop = false;
  void on_step_end(TrainerControl& control) {
    was_asked_to_stop = control.should_training_stop;
    control.should_training_stop = false;
  }
};

TEST_F(CallbackHandlerTest, EveryCallbackHearsAndTheLastWriterWins) {
  CallbackHandler handler(Stops{}, GoesOn{});
  handler.on_step_end(args_, state_, control_);
  EXPECT_TRUE(handler.get<GoesOn>().was_asked_to_stop);
  EXPECT_FALSE(control_.should_training_stop);
}

struct AddsToLogs {
  void on_log(Logs& logs) { logs["tokens"] = 4.0; }
};
struct ReadsLogs {
  double tokens = 0;
  void on_log(const Logs& logs) { tokens = logs.value_or("tokens", 0); }
};

TEST_F(CallbackHandlerTest, WhatACallbackAddsToTheLogsIsSeenByLaterOnes) {
  CallbackHandler handler(with_key<"before">(ReadsLogs{}), AddsToLogs{}, with_key<"after">(ReadsLogs{}));
  handler.on_log(args_, state_, control_, logs_);
  EXPECT_EQ(handler.get<"before">().tokens, 0);
  EXPECT_EQ(handler.get<"after">().tokens, 4);
  EXPECT_EQ(logs_.at("tokens"), 4);
}

TEST_F(CallbackHandlerTest, TemporaryLogsMayBePassed) {
  CallbackHandler handler(AddsToLogs{}, ReadsLogs{});
  handler.on_log(args_, state_, control_, Logs{{"loss", 1.0}});
  EXPECT_EQ(handler.get<ReadsLogs>().tokens, 4);
}

// What the handler takes back: HuggingFace's table.

struct Flags {
  bool training_stop, epoch_stop, save, evaluate, log;
  bool operator==(const Flags&) const = default;
};

TEST_F(CallbackHandlerTest, TakesBackTheFlagsThatHuggingFaceTakesBack) {
  const auto left_by = [&](auto event) {
    CallbackHandler handler(Nothing{});
    TrainerControl all{true, true, true, true, true, {}, {}};
    handler.call_event(event, args_, state_, all);
    return Flags{all.should_training_stop, all.should_epoch_stop, all.should_save, all.should_evaluate, all.should_log};
  };
  EXPECT_EQ(left_by(on_train_begin), (Flags{false, true, true, true, true}));
  EXPECT_EQ(left_by(on_epoch_begin), (Flags{true, false, true, true, true}));
  EXPECT_EQ(left_by(on_step_begin), (Flags{true, true, false, false, false}));
  EXPECT_EQ(left_by(on_evaluate), (Flags{true, true, true, false, true}));
  EXPECT_EQ(left_by(on_save), (Flags{true, true, false, true, true}));
  EXPECT_EQ(left_by(on_log), (Flags{true, true, true, true, false}));

  const Flags untouched{true, true, true, true, true};
  EXPECT_EQ(left_by(on_init_end), untouched);
  EXPECT_EQ(left_by(on_train_end), untouched);
  EXPECT_EQ(left_by(on_epoch_end), untouched);
  EXPECT_EQ(left_by(on_pre_optimizer_step), untouched);
  EXPECT_EQ(left_by(on_optimizer_step), untouched);
  EXPECT_EQ(left_by(on_substep_end), untouched);
  EXPECT_EQ(left_by(on_step_end), untouched);
  EXPECT_EQ(left_by(on_predict), untouched);
  EXPECT_EQ(left_by(on_prediction_step), untouched);
  EXPECT_EQ(left_by(on_push_begin), untouched);
  EXPECT_EQ(left_by(on_substep_begin), untouched);
  EXPECT_EQ(left_by(on_gradients_ready), untouched);
  EXPECT_EQ(left_by(on_evaluate_begin), untouched);
  EXPECT_EQ(left_by(on_predict_begin), untouched);
  EXPECT_EQ(left_by(on_load_checkpoint), untouched);
  EXPECT_EQ(left_by(on_exception), untouched);
}

struct AsksAgain {
  void on_evaluate(TrainerControl& control) { control.should_evaluate = true; }
};

TEST_F(CallbackHandlerTest, AFlagSetInTheEventThatTakesItBackStays) {
  CallbackHandler handler(AsksAgain{});
  handler.on_evaluate(args_, state_, control_, Metrics{});
  EXPECT_TRUE(control_.should_evaluate);
}

TEST_F(CallbackHandlerTest, FlagsAreTakenBackEvenIfThereIsNoCallback) {
  CallbackHandler<> handler;
  control_.should_log = true;
  handler.on_step_begin(args_, state_, control_);
  EXPECT_FALSE(control_.should_log);
}

// get, has, add, remove, Callbacks.

TEST_F(CallbackHandlerTest, GetFindsTheOnlyDerivedOne) {
  CallbackHandler handler(Inherited{}, Stops{});
  EXPECT_EQ(&handler.get<Nothing>(), &handler.get<Inherited>());
}

TEST_F(CallbackHandlerTest, HasTellsWhatIsThere) {
  using Handler = CallbackHandler<Nothing, Keyed<"a", Stops>>;
  static_assert(Handler::has<Nothing>());
  static_assert(Handler::has<Stops>());
  static_assert(!Handler::has<GoesOn>());
}

TEST_F(CallbackHandlerTest, AddGivesANewHandlerWithTheCallbackAtTheEnd) {
  std::vector<int> order;
  const CallbackHandler first(Recorder{&order, 1});
  auto copy = first.add(Recorder{&order, 2});
  auto moved = std::move(copy).add(Recorder{&order, 3});
  moved.on_step_end(args_, state_, control_);
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST_F(CallbackHandlerTest, RemoveGivesANewHandlerWithoutTheCallback) {
  const CallbackHandler handler(Nothing{}, Stops{}, GoesOn{});
  auto copy = handler.remove<Stops>();
  static_assert(std::is_same_v<decltype(copy), CallbackHandler<Nothing, GoesOn>>);
  auto moved = std::move(copy).remove<Nothing>();
  static_assert(std::is_same_v<decltype(moved), CallbackHandler<GoesOn>>);
  auto nothing_left = std::move(moved).remove<GoesOn>();
  static_assert(std::is_same_v<decltype(nothing_left), CallbackHandler<>>);
}

struct MoveOnly {
  std::unique_ptr<int> calls = std::make_unique<int>(0);
  void on_step_end() { ++*calls; }
};

TEST_F(CallbackHandlerTest, AMoveOnlyCallbackMovesThroughAddRemoveAndCallbacks) {
  MoveOnly callback;
  const int* calls = callback.calls.get();
  auto handler = Callbacks(CallbackHandler(std::move(callback), Stops{}), Nothing{}).add(GoesOn{}).remove<Stops>();
  auto moved = std::move(handler);
  moved.on_step_end(args_, state_, control_);
  EXPECT_EQ(*calls, 1);
  EXPECT_EQ(moved.get<MoveOnly>().calls.get(), calls);
}

TEST_F(CallbackHandlerTest, CallbacksTakesHandlersApart) {
  CallbackHandler inner(Nothing{}, Stops{});
  auto all = Callbacks(GoesOn{}, inner, CallbackHandler<>{}, Callbacks(Static{}));
  static_assert(std::is_same_v<decltype(all), CallbackHandler<GoesOn, Nothing, Stops, Static>>);
  static_assert(std::is_same_v<decltype(Callbacks()), CallbackHandler<>>);
  static_assert(std::is_same_v<decltype(Callbacks(inner)), CallbackHandler<Nothing, Stops>>);
}

TEST_F(CallbackHandlerTest, TakeGivesTheCallbacksBack) {
  auto callbacks = CallbackHandler(Nothing{}, MoveOnly{}).take();
  EXPECT_EQ(*boost::hana::at_c<1>(callbacks).calls, 0);
}

TEST_F(CallbackHandlerTest, ACopyHasItsOwnCallbacks) {
  CallbackHandler handler(Nothing{});
  CallbackHandler copy = handler;
  copy.on_step_end(args_, state_, control_);
  EXPECT_EQ(handler.get<Nothing>().calls, 0);
  EXPECT_EQ(copy.get<Nothing>().calls, 1);
}

// Exceptions.

struct Throws {
  std::string text;
  void on_step_end() const { throw std::runtime_error(text); }
  void on_train_end() const { throw std::runtime_error(text); }
  void on_exception(const std::exception_ptr&, const EventName&) const { throw std::runtime_error(text); }
};
struct CountsTheEnd {
  int calls = 0;
  void on_step_end() { ++calls; }
  void on_train_end(const RunEnd&) { ++calls; }
  void on_exception(const EventName& event) { calls += event.name == "on_step_end" ? 1 : 100; }
};

std::string thrown_by(auto&& call) {
  try {
    call();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "nothing";
}

TEST_F(CallbackHandlerTest, AnExceptionLeavesAnOrdinaryEventAtOnce) {
  CallbackHandler handler(Throws{"first"}, CountsTheEnd{}, Throws{"second"});
  EXPECT_EQ(thrown_by([&] { handler.on_step_end(args_, state_, control_); }), "first");
  EXPECT_EQ(handler.get<CountsTheEnd>().calls, 0);
}

TEST_F(CallbackHandlerTest, AllHearTheEndOfARunAndTheFirstExceptionLeaves) {
  CallbackHandler handler(Throws{"first"}, CountsTheEnd{}, Throws{"second"});
  EXPECT_EQ(thrown_by([&] { handler.on_train_end(args_, state_, control_, RunEnd{}); }), "first");
  EXPECT_EQ(handler.get<CountsTheEnd>().calls, 1);
}

TEST_F(CallbackHandlerTest, AllHearOfAnExceptionAndTheFirstExceptionLeaves) {
  CallbackHandler handler(Throws{"first"}, CountsTheEnd{}, Throws{"second"});
  const auto cause = std::make_exception_ptr(std::runtime_error("cause"));
  const auto call = [&] { handler.on_exception(args_, state_, control_, cause, EventName{"on_step_end"}); };
  EXPECT_EQ(thrown_by(call), "first");
  EXPECT_EQ(handler.get<CountsTheEnd>().calls, 1);
}

// State.

struct Counts {
  int64_t steps = 0;
  void on_step_end() { ++steps; }
  CallbackState state() const { return {.attributes = {{"steps", steps}}}; }
  void load_state(const CallbackState& state) { steps = std::get<int64_t>(state.attributes.at("steps")); }
};

TEST_F(CallbackHandlerTest, StatesAreCalledByClassAndKeyAndComeBack) {
  auto handler = Callbacks(Counts{}, with_key<"validation">(Counts{5}), Nothing{});
  handler.on_step_end(args_, state_, control_);
  const CallbackStates states = handler.states();
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(states.at("Counts"), Counts{1}.state());
  EXPECT_EQ(states.at("Counts[validation]"), Counts{6}.state());

  auto other = Callbacks(Counts{}, with_key<"validation">(Counts{}), Nothing{});
  other.load_states(states);
  EXPECT_EQ(other.states(), states);
  EXPECT_EQ(other.get<"validation">().steps, 6);
}

TEST_F(CallbackHandlerTest, AStateWithoutACallbackIsLeftAlone) {
  CallbackHandler handler(Counts{3});
  handler.load_states({{"Another", {}}});
  EXPECT_EQ(handler.get<Counts>().steps, 3);
}

TEST_F(CallbackHandlerTest, AnEmptyCallbackHasNoState) {
  auto handler = Callbacks(std::optional<Counts>(), with_key<"a">(std::optional<Counts>(Counts{2})));
  const CallbackStates states = handler.states();
  EXPECT_EQ(states.size(), 1u);
  EXPECT_TRUE(states.count("Counts[a]"));
  handler.load_states({{"Counts", Counts{9}.state()}});
}

// The price of nothing.

struct Empty {
  void on_step_end() {}
};
struct Two {
  Counts first;
  Nothing second;
};
static_assert(sizeof(CallbackHandler<Counts, Nothing>) == sizeof(Two), "a handler is as large as its callbacks");
static_assert(sizeof(CallbackHandler<>) == 1);
static_assert(sizeof(CallbackHandler<Empty>) == 1);
static_assert(std::is_nothrow_move_constructible_v<CallbackHandler<MoveOnly>>);
static_assert(!std::is_copy_constructible_v<CallbackHandler<MoveOnly>>);
static_assert(std::is_copy_constructible_v<CallbackHandler<Counts>>);

}  // namespace
}  // namespace downbeat
