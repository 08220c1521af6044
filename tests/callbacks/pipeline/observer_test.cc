#include "callbacks/pipeline/observer.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "callbacks/pipeline/callback_handler.h"
#include "callbacks/pipeline/dynamic_callback_handler.h"

namespace downbeat {
namespace {

using Strings = std::vector<std::string>;

struct Hearer {
  Strings* told;
  void on_step_end() { told->push_back("  hook"); }
};
struct Thrower {
  void on_step_end() { throw std::domain_error("a hook broke"); }
  void on_train_end() { throw std::domain_error("a hook broke"); }
};

// Tells what it is told. It has no hook of its own.
struct Observer {
  Strings* told;
  std::string name = "";
  static std::string text(const ObservedCallback& callback) {
    std::string text(contract::without_scope(callback.type));
    if (!callback.key.empty()) text += "[" + std::string(callback.key) + "]";
    return text + " " + std::to_string(callback.position);
  }
  void before_event(const auto& event) { told->push_back(name + "before " + std::string(event.name())); }
  void after_event(const auto& event) noexcept { told->push_back(name + "after " + std::string(event.name())); }
  void before_hook(const auto&, const ObservedCallback& callback) {
    told->push_back(name + " before " + text(callback));
  }
  void after_hook(const auto&, const ObservedCallback& callback) noexcept {
    told->push_back(name + " after " + text(callback));
  }
};

struct NotesTypes {
  Strings* types;
  void before_event(const auto&) {}
  void after_event(const auto&) noexcept {}
  void before_hook(const auto&, const ObservedCallback& callback) {
    types->push_back(std::string(callback.type) + "[" + std::string(callback.key) + "]");
  }
  void after_hook(const auto&, const ObservedCallback&) noexcept {}
};

class ObserverTest : public testing::Test {
 protected:
  Strings told_by_step_end(auto&& handler) {
    handler.on_step_end(args_, state_, control_);
    return std::exchange(told_, {});
  }

  const TrainingArguments args_;
  const TrainerState state_;
  TrainerControl control_;
  Strings told_;
};

TEST_F(ObserverTest, IsToldOfCallbacksBeforeAndAfterIt) {
  EXPECT_EQ(told_by_step_end(CallbackHandler(Hearer{&told_}, Observer{&told_}, Hearer{&told_})),
            (Strings{"before on_step_end", " before Hearer 0", "  hook", " after Hearer 0", " before Hearer 2",
                     "  hook", " after Hearer 2", "after on_step_end"}));
}

TEST_F(ObserverTest, IsToldOfAnEventThatNobodyHears) {
  EXPECT_EQ(told_by_step_end(CallbackHandler(Observer{&told_})), (Strings{"before on_step_end", "after on_step_end"}));
}

TEST_F(ObserverTest, SeesWholeTypesKeysNestedGroupsAndHoweverTheyAreHeld) {
  Strings types;
  Hearer mine{&told_};
  auto group = Callbacks(with_key<"a">(Hearer{&told_}), std::make_unique<Hearer>(Hearer{&told_}));
  told_by_step_end(Callbacks(std::move(group), std::ref(mine), std::optional(NotesTypes{&types}),
                             std::optional<Hearer>(), std::make_shared<Hearer>(Hearer{&told_})));
  const std::string type(contract::type_name<Hearer>());
  EXPECT_EQ(type.substr(0, 10), "downbeat::");
  EXPECT_EQ(types, (Strings{type + "[a]", type + "[]", type + "[]", type + "[]"}));
}

TEST_F(ObserverTest, IsNotToldWhenItIsAnEmptyOptional) {
  EXPECT_EQ(told_by_step_end(CallbackHandler(Hearer{&told_}, std::optional<Observer>())), (Strings{"  hook"}));
}

TEST_F(ObserverTest, SeesAListAsOneCallbackAndAnEmptyOneNotAtAll) {
  CallbackHandler handler(DynamicCallbacks{}, Observer{&told_});
  EXPECT_EQ(told_by_step_end(handler), (Strings{"before on_step_end", "after on_step_end"}));
  handler.get<DynamicCallbacks>().add_callback(Hearer{&told_});
  EXPECT_EQ(told_by_step_end(handler), (Strings{"before on_step_end", " before DynamicCallbacks 0", "  hook",
                                                " after DynamicCallbacks 0", "after on_step_end"}));
}

TEST_F(ObserverTest, IsToldOfEachEndAlsoAfterAnException) {
  CallbackHandler handler(Thrower{}, Hearer{&told_}, Observer{&told_});
  EXPECT_THROW(handler.on_step_end(args_, state_, control_), std::domain_error);
  EXPECT_EQ(told_, (Strings{"before on_step_end", " before Thrower 0", " after Thrower 0", "after on_step_end"}));
}

TEST_F(ObserverTest, LetsTheOthersHearTheEndOfARunAfterAnException) {
  struct HearsTheEnd {
    void on_train_end() {}
  };
  CallbackHandler handler(Thrower{}, HearsTheEnd{}, Observer{&told_});
  EXPECT_THROW(handler.on_train_end(args_, state_, control_, RunEnd{}), std::domain_error);
  EXPECT_EQ(told_, (Strings{"before on_train_end", " before Thrower 0", " after Thrower 0", " before HearsTheEnd 1",
                            " after HearsTheEnd 1", "after on_train_end"}));
}

TEST_F(ObserverTest, StandsBesideOthersWhichAreToldInTheirOrder) {
  EXPECT_EQ(told_by_step_end(CallbackHandler(Observer{&told_, "1"}, Hearer{&told_}, Observer{&told_, "2"})),
            (Strings{"1before on_step_end", "2before on_step_end", "1 before Hearer 1", "2 before Hearer 1", "  hook",
                     "1 after Hearer 1", "2 after Hearer 1", "1after on_step_end", "2after on_step_end"}));
}

TEST_F(ObserverTest, SeesItsOwnHooks) {
  struct Both : Observer {
    void on_step_end() { told->push_back("  own hook"); }
  };
  EXPECT_EQ(told_by_step_end(CallbackHandler(Both{{&told_}})),
            (Strings{"before on_step_end", " before Both 0", "  own hook", " after Both 0", "after on_step_end"}));
}

TEST_F(ObserverTest, LeavesTheFlagsTakenBackAsWithoutIt) {
  control_.should_log = true;
  CallbackHandler(Observer{&told_}).on_step_begin(args_, state_, control_);
  EXPECT_FALSE(control_.should_log);
}

}  // namespace
}  // namespace downbeat
