// A list of std::function for each event, as signal libraries have: who does not hear an event is not in its list.
#include <functional>
#include <memory>
#include <vector>

#include "benchmarks/dispatch/dispatch.h"

namespace downbeat::dispatch {
namespace {

template <class Callback, std::size_t count>
class StdFunction {
  using Hooks = std::vector<std::function<void(const TrainingArguments&, const TrainerState&, TrainerControl&)>>;

 public:
  StdFunction() {
    for (std::size_t i = 0; i < count; ++i) {
      const auto callback = callbacks_.emplace_back(std::make_shared<Callback>()).get();
      if constexpr (Callback::is_heard) {
        step_end_.push_back(
            [callback](const auto&, const TrainerState& state, auto&) { callback->on_step_end(state); });
      }
    }
  }
  DISPATCH_EVENT event(World& world) {
    for (const auto& hook : step_end_) hook(world.args, world.state, world.control);
  }
  bool callbacks_are(const Callback& expected) const {
    return std::all_of(callbacks_.begin(), callbacks_.end(), [&](const auto& own) { return *own == expected; });
  }

 private:
  std::vector<std::shared_ptr<Callback>> callbacks_;
  Hooks step_end_;
};

REGISTER_RIVAL(StdFunction, "std_function");

}  // namespace
}  // namespace downbeat::dispatch
