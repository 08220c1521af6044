#include "callbacks/vocabulary/runs_on.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "callbacks/pipeline/callback_handler.h"
#include "callbacks/pipeline/dynamic_callback_handler.h"

namespace downbeat {
namespace {

using Strings = std::vector<std::string>;

// The processes of two machines.
struct Rank {
  bool is_world_process_zero;
  bool is_local_process_zero;
};
constexpr Rank kFirstOfAll{true, true};
constexpr Rank kFirstOfItsMachine{false, true};
constexpr Rank kOther{false, false};

struct SaysNothing {
  Strings* heard;
  void on_step_end() { heard->push_back("says nothing"); }
};
struct EveryRank : SaysNothing {
  static constexpr RunsOn runs_on = RunsOn::every_rank;
  void on_step_end() { heard->push_back("every_rank"); }
};
struct WorldZero : SaysNothing {
  static constexpr RunsOn runs_on = RunsOn::world_zero;
  void on_step_end() { heard->push_back("world_zero"); }
};
struct LocalZero final {
  static constexpr auto runs_on = RunsOn::local_zero;
  Strings* heard;
  void on_step_end() { heard->push_back("local_zero"); }
};

class RunsOnTest : public testing::Test {
 protected:
  TrainerState state(Rank rank) const {
    TrainerState state;
    state.is_world_process_zero = rank.is_world_process_zero;
    state.is_local_process_zero = rank.is_local_process_zero;
    return state;
  }
  Strings heard(auto&& handler, Rank rank) {
    handler.on_step_end(args_, state(rank), control_);
    return std::exchange(heard_, {});
  }
  WorldZero world_zero() { return WorldZero{{&heard_}}; }
  LocalZero local_zero() { return {&heard_}; }

  const TrainingArguments args_;
  TrainerControl control_;
  Strings heard_;
};

TEST_F(RunsOnTest, ACallbackHearsOnItsRanksOnly) {
  CallbackHandler handler(SaysNothing{&heard_}, world_zero(), local_zero(), EveryRank{{&heard_}});
  EXPECT_EQ(heard(handler, kFirstOfAll), (Strings{"says nothing", "world_zero", "local_zero", "every_rank"}));
  EXPECT_EQ(heard(handler, kFirstOfItsMachine), (Strings{"says nothing", "local_zero", "every_rank"}));
  EXPECT_EQ(heard(handler, kOther), (Strings{"says nothing", "every_rank"}));
}

TEST_F(RunsOnTest, HoweverItIsHeld) {
  WorldZero mine = world_zero();
  CallbackHandler handler(std::ref(mine), std::optional(world_zero()), std::optional<LocalZero>(),
                          std::make_unique<WorldZero>(mine), std::make_shared<WorldZero>(mine),
                          with_key<"a">(world_zero()));
  EXPECT_EQ(heard(handler, kFirstOfAll), Strings(5, "world_zero"));
  EXPECT_EQ(heard(handler, kOther), Strings{});
}

TEST_F(RunsOnTest, AClassInheritsItsRanks) {
  struct Derived : WorldZero {
    void on_epoch_end() { heard->push_back("derived"); }
  };
  CallbackHandler handler(Derived{{{&heard_}}});
  EXPECT_EQ(heard(handler, kFirstOfAll), (Strings{"world_zero"}));
  handler.on_epoch_end(args_, state(kOther), control_);
  EXPECT_EQ(heard_, Strings{});
}

TEST_F(RunsOnTest, TheEndOfARunAndItsExceptionsAreHeardOnThoseRanksToo) {
  struct Ends : WorldZero {
    void on_train_end() { throw std::domain_error("a hook broke"); }
  };
  CallbackHandler handler(Ends{{{&heard_}}});
  EXPECT_THROW(handler.on_train_end(args_, state(kFirstOfAll), control_, RunEnd{}), std::domain_error);
  EXPECT_NO_THROW(handler.on_train_end(args_, state(kOther), control_, RunEnd{}));
}

// --- State ---

struct Counts {
  static constexpr RunsOn runs_on = RunsOn::world_zero;
  int64_t steps = 0;
  void on_step_end() { ++steps; }
  CallbackState state() const { return {.attributes = {{"steps", steps}}}; }
  void load_state(const CallbackState& state) { steps = std::get<int64_t>(state.attributes.at("steps")); }
};

TEST_F(RunsOnTest, StatesAreSavedAndRestoredOnEveryRank) {
  CallbackHandler first(Counts{});
  first.on_step_end(args_, state(kFirstOfAll), control_);
  CallbackHandler other(Counts{});
  other.on_step_end(args_, state(kOther), control_);
  EXPECT_EQ(std::get<int64_t>(other.states().at("Counts").attributes.at("steps")), 0);
  other.load_states(first.states());
  EXPECT_EQ(other.get<Counts>().steps, 1);
}

// --- Callbacks chosen at run time ---

class DynamicLocalZero : public DynamicCallback {
 public:
  explicit DynamicLocalZero(Strings* heard) : heard_(heard) {}

 private:
  void on_step_end(const TrainingArguments&, const TrainerState&, TrainerControl&) override {
    heard_->push_back("dynamic local_zero");
  }
  RunsOn runs_on() const override { return RunsOn::local_zero; }

  Strings* heard_;
};

void fill(auto& list, Strings* heard) {
  list.add_callback(SaysNothing{heard});
  list.add_callback(WorldZero{{heard}});
  list.add_callback(std::make_unique<LocalZero>(LocalZero{.heard = heard}));
  list.add_callback(DynamicLocalZero(heard));
}
const Strings kAllOfTheList{"says nothing", "world_zero", "local_zero", "dynamic local_zero"};
const Strings kLocalsOfTheList{"says nothing", "local_zero", "dynamic local_zero"};

TEST_F(RunsOnTest, CallbacksOfAListKeepTheirRanks) {
  CallbackHandler handler(DynamicCallbacks{});
  fill(handler.get<DynamicCallbacks>(), &heard_);
  EXPECT_EQ(heard(handler, kFirstOfAll), kAllOfTheList);
  EXPECT_EQ(heard(handler, kFirstOfItsMachine), kLocalsOfTheList);
  EXPECT_EQ(heard(handler, kOther), (Strings{"says nothing"}));
}

TEST_F(RunsOnTest, CallbacksOfADynamicHandlerKeepTheirRanks) {
  struct DefaultFlowCallback {
    void on_train_begin() {}
  };
  DynamicCallbackHandler handler(DefaultFlowCallback{});
  fill(handler, &heard_);
  EXPECT_EQ(heard(handler, kFirstOfAll), kAllOfTheList);
  EXPECT_EQ(heard(handler, kFirstOfItsMachine), kLocalsOfTheList);
  EXPECT_EQ(heard(handler, kOther), (Strings{"says nothing"}));
}

// --- Observers ---

struct Observer {
  Strings* heard;
  void before_event(const auto& event) { heard->push_back("before " + std::string(event.name())); }
  void after_event(const auto&) noexcept { heard->push_back("after"); }
  void before_hook(const auto&, const ObservedCallback& callback) {
    heard->push_back("before " + std::string(contract::without_scope(callback.type)));
  }
  void after_hook(const auto&, const ObservedCallback&) noexcept {}
};
struct WorldZeroObserver : Observer {
  static constexpr RunsOn runs_on = RunsOn::world_zero;
};

TEST_F(RunsOnTest, AnObserverIsNotToldOfAHookThatIsNotCalled) {
  CallbackHandler handler(world_zero(), local_zero(), Observer{&heard_});
  EXPECT_EQ(heard(handler, kFirstOfItsMachine),
            (Strings{"before on_step_end", "before LocalZero", "local_zero", "after"}));
}

TEST_F(RunsOnTest, AnObserverOfOneRankIsToldNothingOnOthers) {
  CallbackHandler handler(SaysNothing{&heard_}, WorldZeroObserver{{&heard_}});
  EXPECT_EQ(heard(handler, kFirstOfAll),
            (Strings{"before on_step_end", "before SaysNothing", "says nothing", "after"}));
  EXPECT_EQ(heard(handler, kOther), (Strings{"says nothing"}));
}

// --- What all ranks have to use together ---

struct Group {
  static constexpr bool is_collective = true;
  int uses = 0;
};
struct OwnGroup : Group {};
struct Alone {  // a class may say the opposite of its base
  static constexpr bool is_collective = false;
  int uses = 0;
};
struct UsesTheGroup {
  void on_step_end(Group& group) { ++group.uses; }
};
struct SeesWhole {
  int seen = 0;
  void on_step_end(auto& event) {
    using Event = std::remove_reference_t<decltype(event)>;
    seen = 1 * Event::template has<Group>() + 2 * Event::template has<OwnGroup>() + 4 * Event::template has<Alone>() +
           8 * Event::template has<Logs>() + 16 * Event::template has<TrainerState>();
    event.template get<Alone>().uses += 1;
    event.control().should_log = true;
  }
};
struct SeesWholeOnOneRank : SeesWhole {
  static constexpr RunsOn runs_on = RunsOn::world_zero;
};
struct ObservesOnOneRank {
  static constexpr RunsOn runs_on = RunsOn::world_zero;
  int* groups;
  void before_event(const auto& event) { *groups += event.template has<OwnGroup>(); }
  void after_event(const auto&) noexcept {}
  void before_hook(const auto& event, const ObservedCallback&) { *groups += event.template has<OwnGroup>(); }
  void after_hook(const auto&, const ObservedCallback&) noexcept {}
};

TEST_F(RunsOnTest, AHookOfEveryRankIsGivenTheGroup) {
  CallbackHandler handler(UsesTheGroup{});
  OwnGroup group;
  handler.on_step_end(args_, state(kOther), control_, group);
  EXPECT_EQ(group.uses, 1);
}

TEST_F(RunsOnTest, AGenericHookSeesTheGroupOnlyIfItRunsOnEveryRank) {
  CallbackHandler handler(SeesWhole{}, SeesWholeOnOneRank{});
  OwnGroup group;
  Alone alone;
  const Logs logs;
  handler.on_step_end(args_, state(kFirstOfAll), control_, group, alone, logs);
  EXPECT_EQ(handler.get<SeesWhole>().seen, 1 + 2 + 4 + 8 + 16);
  EXPECT_EQ(handler.get<SeesWholeOnOneRank>().seen, 4 + 8 + 16);
  EXPECT_EQ(alone.uses, 2) << "the same object";
  EXPECT_TRUE(control_.should_log);
}

TEST_F(RunsOnTest, AnObserverOfOneRankDoesNotSeeTheGroupEither) {
  int groups = 0;
  CallbackHandler handler(UsesTheGroup{}, ObservesOnOneRank{&groups});
  OwnGroup group;
  handler.on_step_end(args_, state(kFirstOfAll), control_, group);
  EXPECT_EQ(group.uses, 1);
  EXPECT_EQ(groups, 0);
}

}  // namespace
}  // namespace downbeat
