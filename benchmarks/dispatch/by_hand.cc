// The code that one would write by hand, without any pipeline: the yardstick.
#include <array>
#include <type_traits>
#include <utility>

#include "benchmarks/dispatch/dispatch.h"

namespace downbeat::dispatch {
namespace {

template <class Callback, std::size_t count>
class ByHand {
 public:
  DISPATCH_STEP step(World& world) {
    world.control.should_log = world.control.should_evaluate = world.control.should_save = false;
    call_each(world.state, std::make_index_sequence<count>{});
  }
  int64_t sum() const {
    int64_t all = 0;
    for (const Callback& callback : callbacks_) all += callback.sum;
    return all;
  }

 private:
  // callbacks_[0].on_step_end(state); callbacks_[1].on_step_end(state); ...
  template <std::size_t... i>
  void call_each([[maybe_unused]] const TrainerState& state, std::index_sequence<i...>) {
    if constexpr (std::is_same_v<Callback, Heard>) (callbacks_[i].on_step_end(state), ...);
  }

  std::array<Callback, count> callbacks_;
};

REGISTER_RIVAL(ByHand, "by_hand");

// The same functions under another name: how far two measurements of one thing are apart (A/A).
[[maybe_unused]] const bool registered_again = register_rival<ByHand>("by_hand_again");

}  // namespace
}  // namespace downbeat::dispatch
