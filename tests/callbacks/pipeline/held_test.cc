#include "callbacks/pipeline/held.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

#include "callbacks/pipeline/callback_handler.h"

namespace downbeat {
namespace {

struct Counts {
  int calls = 0;
  void on_step_end() { ++calls; }
};

void step(auto& handler) {
  const TrainingArguments args;
  const TrainerState state;
  TrainerControl control;
  handler.on_step_end(args, state, control);
}

TEST(Held, ByReferenceTheCallersObjectHears) {
  Counts mine;
  auto handler = Callbacks(std::ref(mine));
  step(handler);
  EXPECT_EQ(mine.calls, 1);
  EXPECT_EQ(&handler.get<Counts>(), &mine);
}

TEST(Held, ByUniquePointerTheHandlerOwnsIt) {
  auto owned = std::make_unique<Counts>();
  const Counts* where = owned.get();
  auto handler = Callbacks(std::move(owned));
  step(handler);
  EXPECT_EQ(&handler.get<Counts>(), where);
  EXPECT_EQ(where->calls, 1);
}

TEST(Held, BySharedPointerBothSeeIt) {
  auto shared = std::make_shared<Counts>();
  auto handler = Callbacks(shared);
  step(handler);
  EXPECT_EQ(shared->calls, 1);
}

TEST(Held, ByOptionalItIsAChoiceAtRunTime) {
  auto handler = Callbacks(std::optional<Counts>(Counts{}));
  step(handler);
  EXPECT_EQ(handler.get<Counts>().calls, 1);
}

TEST(Held, AnEmptyOneHearsNothing) {
  auto handler = Callbacks(std::optional<Counts>(), with_key<"shared">(std::shared_ptr<Counts>()),
                           with_key<"unique">(std::unique_ptr<Counts>()));
  step(handler);
}

struct Stateful : Counts {
  CallbackState state() const { return {.attributes = {{"calls", int64_t{calls}}}}; }
  void load_state(const CallbackState& state) {
    calls = static_cast<int>(std::get<int64_t>(state.attributes.at("calls")));
  }
};

TEST(Held, TheStateIsSavedHoweverItIsHeld) {
  Stateful mine;
  mine.calls = 2;
  const auto handler =
      Callbacks(std::ref(mine), with_key<"unique">(std::make_unique<Stateful>()),
                with_key<"shared">(std::make_shared<Stateful>()), with_key<"optional">(std::optional(Stateful())));
  const CallbackStates states = handler.states();
  EXPECT_EQ(states.size(), 4u);
  EXPECT_EQ(states.at("Stateful"), mine.state());
}

TEST(Held, AKeyFindsItsCallback) {
  auto handler = Callbacks(with_key<"first">(Counts{1}), with_key<"second">(std::make_shared<Counts>(Counts{2})));
  EXPECT_EQ(handler.get<"first">().calls, 1);
  EXPECT_EQ(handler.get<"second">().calls, 2);
}

TEST(Held, AReferencedCallbackIsNeverCopied) {
  struct Immovable {
    Immovable() = default;
    Immovable(const Immovable&) = delete;
    int calls = 0;
    void on_step_end() { ++calls; }
  } mine;
  auto handler = Callbacks(std::ref(mine)).add(Counts{});
  auto moved = std::move(handler);
  step(moved);
  EXPECT_EQ(mine.calls, 1);
}

static_assert(std::is_same_v<contract::CallbackIn<Counts>, Counts>);
static_assert(std::is_same_v<contract::CallbackIn<Keyed<"k", std::optional<Counts>>>, Counts>);
static_assert(std::is_same_v<contract::CallbackIn<std::reference_wrapper<Counts>>, Counts>);
static_assert(sizeof(Keyed<"a long key that costs nothing", Counts>) == sizeof(Counts));
static_assert(contract::key_of<Keyed<"k", Counts>> == "k");
static_assert(contract::key_of<Counts>.empty());

}  // namespace
}  // namespace downbeat
