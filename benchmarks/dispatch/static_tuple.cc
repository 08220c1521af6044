// Downbeat's CallbackHandler: a tuple, unrolled at compile time.
#include <boost/hana/unpack.hpp>
#include <type_traits>

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
  DISPATCH_EVENT event(World& world) { handler_.on_step_end(world.args, world.state, world.control); }
  bool callbacks_are(const Callback& expected) const {
    const auto callbacks = std::remove_const_t<decltype(handler_)>(handler_).take();
    return boost::hana::unpack(callbacks, [&](const auto&... callback) { return ((callback == expected) && ...); });
  }

 private:
  decltype(handler_of_many<Callback>(std::make_index_sequence<count>{})) handler_ =
      handler_of_many<Callback>(std::make_index_sequence<count>{});
};

REGISTER_RIVAL(StaticTuple, "static_tuple");

}  // namespace
}  // namespace downbeat::dispatch
