// Downbeat's CallbackHandler: a tuple, unrolled at compile time.
#include <boost/hana/unpack.hpp>
#include <utility>

#include "benchmarks/dispatch/dispatch.h"
#include "callbacks/pipeline/callback_handler.h"

namespace downbeat::dispatch {
namespace {

template <class Callback, std::size_t... i>
auto handler_of_many(std::index_sequence<i...>) {
  return Callbacks((static_cast<void>(i), Callback())...);
}

template <class Callback, std::size_t count>
class StaticTuple {
 public:
  DISPATCH_STEP step(World& world) {
    handler_.on_step_begin(world.args, world.state, world.control);
    handler_.on_pre_optimizer_step(world.args, world.state, world.control);
    handler_.on_optimizer_step(world.args, world.state, world.control);
    handler_.on_step_end(world.args, world.state, world.control);
  }
  int64_t sum() const {
    const auto callbacks = std::remove_const_t<decltype(handler_)>(handler_).take();
    return boost::hana::unpack(callbacks, [](const auto&... callback) { return (callback.sum + ... + 0); });
  }

 private:
  decltype(handler_of_many<Callback>(std::make_index_sequence<count>{})) handler_ =
      handler_of_many<Callback>(std::make_index_sequence<count>{});
};

REGISTER_RIVAL(StaticTuple, "static_tuple");

}  // namespace
}  // namespace downbeat::dispatch
