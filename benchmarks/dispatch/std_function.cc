// A list of std::function for each event, as signal libraries have: who does not hear an event is not in its list.
#include <functional>
#include <memory>
#include <type_traits>
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
      if constexpr (std::is_same_v<Callback, Heard>) {
        step_end_.push_back(
            [callback](const auto&, const TrainerState& state, auto&) { callback->on_step_end(state); });
      }
    }
  }
  DISPATCH_STEP step(World& world) {
    world.control.should_log = world.control.should_evaluate = world.control.should_save = false;
    for (const auto& hook : step_begin_) hook(world.args, world.state, world.control);
    for (const auto& hook : pre_optimizer_step_) hook(world.args, world.state, world.control);
    for (const auto& hook : optimizer_step_) hook(world.args, world.state, world.control);
    for (const auto& hook : step_end_) hook(world.args, world.state, world.control);
  }
  int64_t sum() const {
    int64_t all = 0;
    for (const auto& callback : callbacks_) all += callback->sum;
    return all;
  }

 private:
  std::vector<std::shared_ptr<Callback>> callbacks_;
  Hooks step_begin_, pre_optimizer_step_, optimizer_step_, step_end_;
};

REGISTER_RIVAL(StdFunction, "std_function");

}  // namespace
}  // namespace downbeat::dispatch
