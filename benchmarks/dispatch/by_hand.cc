// The code that one would write by hand, without any pipeline: the yardstick.
#include <array>

#include "benchmarks/dispatch/dispatch.h"

namespace downbeat::dispatch {
namespace {

template <class Callback, std::size_t count>
class ByHand {
 public:
  DISPATCH_EVENT event(World& world) { call_each(world.state, std::make_index_sequence<count>{}); }
  bool callbacks_are(const Callback& expected) const {
    return std::count(callbacks_.begin(), callbacks_.end(), expected) == static_cast<std::ptrdiff_t>(count);
  }

 private:
  // callbacks_[0].on_step_end(state); callbacks_[1].on_step_end(state); ...
  template <std::size_t... i>
  void call_each([[maybe_unused]] const TrainerState& state, std::index_sequence<i...>) {
    if constexpr (Callback::is_heard) (callbacks_[i].on_step_end(state), ...);
  }

  std::array<Callback, count> callbacks_;
};

REGISTER_RIVAL(ByHand, "by_hand");

// The same functions under another name: how far two measurements of one thing are apart (A/A).
[[maybe_unused]] const bool registered_again = register_rival<ByHand>("by_hand_again", Counts{});

}  // namespace
}  // namespace downbeat::dispatch
