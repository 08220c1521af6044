// Which ranks a callback runs on, as its type says (vocabulary/runs_on.h), and what it must not use then.
//
//   class ProcessGroup {
//    public:
//     static constexpr bool is_collective = true;     // all ranks have to use it together
//   };
//
// A hook that is called on some ranks only and asks for such a thing is refused (callback.h), as the others would never
// come. Implementation of callback.h and callback_handler.h; users meet only is_collective, for a thing of their own.
#pragma once

#include <concepts>
#include <type_traits>

#include "callbacks/vocabulary/runs_on.h"
#include "callbacks/vocabulary/trainer_state.h"

namespace downbeat::contract {

// A constant, public and static: anything else is a mistake, whose sentence check_callback says.
template <class C>
concept SaysRunsOn = requires {
  requires std::same_as<std::remove_const_t<std::remove_pointer_t<decltype(&C::runs_on)>>, RunsOn>;
} && requires { typename std::integral_constant<RunsOn, C::runs_on>; };

template <class Callback>
constexpr RunsOn ranks_of = RunsOn::every_rank;
template <SaysRunsOn Callback>
constexpr RunsOn ranks_of<Callback> = Callback::runs_on;

template <class Callback>
constexpr bool is_on_every_rank = ranks_of<Callback> == RunsOn::every_rank;

constexpr bool is_among(RunsOn ranks, const TrainerState& state) {
  return ranks == RunsOn::every_rank ||
         (ranks == RunsOn::world_zero ? state.is_world_process_zero : state.is_local_process_zero);
}

// `Asking`: who asks. A class may be incomplete where one hook is checked and complete where the next one is, so that
// no two may share an answer.
template <class Thing, class... Asking>
constexpr bool is_collective = [] {
  if constexpr (requires { Thing::is_collective; }) {
    return static_cast<bool>(Thing::is_collective);
  } else {
    return false;
  }
}();

}  // namespace downbeat::contract
