// A table for each callback from the name of a hook to the bound function, looked up by name at each event, as Python's
// getattr(callback, event)(args, state, control) does. Every callback has every hook: those of the base do nothing.
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "benchmarks/dispatch/dispatch.h"
#include "callbacks/vocabulary/events.h"

namespace downbeat::dispatch {
namespace {

using Hook = std::function<void(const TrainingArguments&, const TrainerState&, TrainerControl&)>;
using Hooks = std::unordered_map<std::string, Hook>;

Hooks hooks_that_do_nothing() {
  Hooks hooks;
#define DOWNBEAT_X(event, ...) hooks[#event] = [](const auto&, const auto&, auto&) {};
  DOWNBEAT_EVENTS(DOWNBEAT_X)
#undef DOWNBEAT_X
  return hooks;
}

template <class Callback, std::size_t count>
class NameLookup {
 public:
  NameLookup() {
    for (std::size_t i = 0; i < count; ++i) {
      const auto callback = callbacks_.emplace_back(std::make_shared<Callback>()).get();
      Hooks& hooks = tables_.emplace_back(hooks_that_do_nothing());
      if constexpr (Callback::is_heard) {
        hooks["on_step_end"] = [callback](const auto&, const TrainerState& state, auto&) {
          callback->on_step_end(state);
        };
      } else {
        hooks["on_push_begin"] = [callback](const auto&, const auto&, auto&) { callback->on_push_begin(); };
      }
    }
  }
  DISPATCH_EVENT event(World& world) { call(on_step_end_, world); }
  bool callbacks_are(const Callback& expected) const {
    return std::all_of(callbacks_.begin(), callbacks_.end(), [&](const auto& own) { return *own == expected; });
  }

 private:
  void call(const std::string& event, World& world) {
    for (Hooks& hooks : tables_) hooks.find(event)->second(world.args, world.state, world.control);
  }

  const std::string on_step_end_ = "on_step_end";
  std::vector<std::shared_ptr<Callback>> callbacks_;
  std::vector<Hooks> tables_;
};

REGISTER_RIVAL(NameLookup, "name_lookup");

}  // namespace
}  // namespace downbeat::dispatch
