// CallbackHandler: the static tuple of callbacks. `handler.on_step_end(args, state, control)` runs every hook of that
// name in the order of the tuple, unrolled at compile time; an event that nobody hears leaves no code.
//
//   CallbackHandler handler(DefaultFlowCallback{}, ProgressCallback{}, StopWhenLossIsLow(0.01));
//   handler.on_train_begin(args, state, control);          // or handler.call_event(on_train_begin, args, state,
//   control) handler.get<StopWhenLossIsLow>();                      // a plain object, readable after the run
//
// What is passed after args, state and control (a model, a batch) hooks may ask for by type. The handler is a value:
// it moves, and add() and remove() give a new one of a new type. For callbacks chosen at run time put DynamicCallbacks
// into the tuple, or use DynamicCallbackHandler (dynamic_callback_handler.h). A callback may observe how the others are
// called, to measure them (observer.h); without one nothing of that is in the code. A callback with runs_on hears
// events only on the ranks that it names (vocabulary/runs_on.h).
#pragma once

#include <array>
#include <boost/hana/append.hpp>
#include <boost/hana/at.hpp>
#include <boost/hana/flatten.hpp>
#include <boost/hana/for_each.hpp>
#include <boost/hana/remove_at.hpp>
#include <boost/hana/tuple.hpp>
#include <cstddef>
#include <exception>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "callbacks/pipeline/callback.h"
#include "callbacks/pipeline/callback_states.h"
#include "callbacks/pipeline/held.h"
#include "callbacks/pipeline/observer.h"
#include "callbacks/pipeline/ranks.h"

namespace downbeat {

template <class... Cs>
class CallbackHandler;
class DynamicCallback;

namespace contract {

// An own loop's state is its own to change; hooks see it as the event declares it.
template <class Thing, class... Ps>
constexpr bool is_read_only(types<Ps...>) {
  return (std::is_same_v<const Bare<Thing>&, Ps> || ...);
}
template <class Event, class Thing>
using AsDeclared = std::conditional_t<is_read_only<Thing>(typename Event::Provides{}), const Thing&, Thing&>;

template <class Callback, class Parameter, class... Things>
constexpr Mistake mistake_at_call(types<Things...> things) {
  const Mistake mistake = mistake_in_hook<Callback, Parameter>(things);
  return mistake == Mistake::not_provided ? Mistake::not_passed : mistake;
}

template <class Event, class Callback, class... Things, class... Ps>
constexpr void call_with(Callback& callback, const View<Event, Things...>& event, types<Ps...>) {
  if constexpr ((accept<Event, mistake_at_call<Callback, Ps>(types<Things...>{}), Callback, Ps>() && ...)) {
    Event::call(callback, event.template get<Bare<Ps>>()...);
  }
}

// The event as a callback may see it whole: without collectives unless it runs on every rank.
template <class Event, class... Things>
constexpr View<Event, Things...> view_from(std::tuple<Things...> things) {
  return {things};
}
template <class Callback, class Event, class... Things>
constexpr decltype(auto) view_for(const View<Event, Things...>& event) {
  if constexpr (!is_on_every_rank<Callback> && (is_collective<Bare<Things>> || ...)) {
    constexpr auto unless_collective = []<class Thing>(Thing& thing) {
      if constexpr (is_collective<std::remove_const_t<Thing>>) {
        return std::tuple<>();
      } else {
        return std::tuple<Thing&>(thing);
      }
    };
    return view_from<Event>(
        std::apply([&](auto&... all) { return std::tuple_cat(unless_collective(all)...); }, event.things));
  } else {
    return event;  // by reference: `event` is one
  }
}

template <class Event, class Callback, class... Things>
constexpr void call_hook(Callback& callback, const View<Event, Things...>& event) {
  if constexpr (Event::template single<Callback>) {
    call_with(callback, event, typename Event::template Hook<Callback>::Parameters{});
  } else {
    const auto& seen = view_for<Callback>(event);
    Event::call(callback, seen);
  }
}

// A callback that is there, on a rank that it runs on.
template <class Held, class Event, class... Things>
constexpr bool is_to_hear(const Held& held, const View<Event, Things...>& event) {
  constexpr RunsOn ranks = ranks_of<CallbackIn<Held>>;
  if constexpr (ranks != RunsOn::every_rank) {
    if (!is_among(ranks, event.state())) return false;
  }
  return is_there(held);
}

template <class Event, class... Things>
constexpr void call_if_there(auto& held, const View<Event, Things...>& event) {
  if (is_to_hear(held, event)) call_hook<Event>(callback_in(held), event);
}

// What one call of the event passes. Things may come in any order, each type once.
template <class Event, class... Things>
constexpr auto view_of(Things&... things) {
  constexpr types<Things...> all;
  static_assert(position_of<TrainingArguments>(all) >= 0 && position_of<TrainerState>(all) >= 0 &&
                    position_of<TrainerControl>(all) >= 0,
                "downbeat: an event is called with at least (TrainingArguments, TrainerState, TrainerControl)");
  return View<Event, AsDeclared<Event, Things>...>{{things...}};
}

// What HuggingFace's handler takes back before the first callback hears of the event.
template <class Event>
constexpr void take_back(TrainerControl& control) {
  if constexpr (std::is_same_v<Event, events::on_train_begin>) control.should_training_stop = false;
  if constexpr (std::is_same_v<Event, events::on_epoch_begin>) control.should_epoch_stop = false;
  if constexpr (std::is_same_v<Event, events::on_step_begin>) {
    control.should_log = control.should_evaluate = control.should_save = false;
  }
  if constexpr (std::is_same_v<Event, events::on_evaluate>) control.should_evaluate = false;
  if constexpr (std::is_same_v<Event, events::on_save>) control.should_save = false;
  if constexpr (std::is_same_v<Event, events::on_log>) control.should_log = false;
}

// The last events of a run: if a hook throws there, the others still run and the first exception leaves.
template <class Event>
constexpr bool runs_to_the_end =
    std::is_same_v<Event, events::on_train_end> || std::is_same_v<Event, events::on_exception>;
class FirstException {
 public:
  void attempt(const auto& call) {
    try {
      call();
    } catch (...) {
      if (!first_) first_ = std::current_exception();
    }
  }
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::exception_ptr first_;
};

// Which of the callbacks hear an event, or observe: only for these there is anything to instantiate.
template <bool... is_one>
constexpr auto positions_of_those() {
  std::array<std::size_t, (std::size_t{is_one} + ... + 0)> found{};
  std::size_t at = 0;
  std::size_t count = 0;
  ((is_one ? void(found[count++] = at) : void(), ++at), ...);
  return found;
}

// All hooks of a callback against all that a trainer passes, whether or not an event is ever called.
template <class Event, class Callback, class... Things, class... Ps>
constexpr void check_against(types<Things...> things, types<Ps...>) {
  (accept<Event, mistake_in_hook<Callback, Ps>(types<Things...>{}), Callback, Ps>(), ...);
  static_cast<void>(things);
}
template <class Event, class Callback, template <class> class ThingsOf>
constexpr bool fits_event() {
  if constexpr (hears<Event, Callback>) {
    if constexpr (Event::template single<Callback>) {
      check_against<Event, Callback>(typename Event::Provides{} + typename ThingsOf<Event>::type{},
                                     typename Event::template Hook<Callback>::Parameters{});
    }
  }
  return true;
}
template <class Callback, template <class> class ThingsOf, class... Es>
constexpr bool fits(types<Es...>) {
  return (fits_event<Es, Callback, ThingsOf>() && ...);
}

template <class Handler, class Events>
struct MembersOf;
template <class Handler, class... Es>
struct MembersOf<Handler, types<Es...>> : Es::template Member<Handler>... {};

// A callback that was given as a tuple; a handler is taken apart.
template <class C>
constexpr auto parts_of(C callback) {
  return boost::hana::make_tuple(std::move(callback));
}
template <class... Cs>
constexpr auto parts_of(CallbackHandler<Cs...> handler) {
  return std::move(handler).take();
}
template <class... Cs>
CallbackHandler<Cs...> handler_of(const boost::hana::tuple<Cs...>&);
template <class T>
constexpr bool is_handler = std::is_base_of_v<MembersOf<T, events::All>, T>;

struct FromTuple {};  // tells a tuple of callbacks from a callback

template <class Held>
constexpr bool check_held() {
  using Callback = CallbackIn<Held>;
  static_assert(!is_handler<Callback>,
                "downbeat: a handler is not held as a callback; Callbacks(handler, callback) joins them");
  static_assert(
      !std::is_pointer_v<Held>,
      "downbeat: a callback is held by value, std::ref, std::optional or a smart pointer, not by raw pointer");
  if constexpr (!std::is_pointer_v<Held> && !is_handler<Callback>) {
    static_assert(std::is_class_v<Callback>,
                  "downbeat: a callback is an object of a class with hooks like on_step_end");
    if constexpr (std::is_class_v<Callback>) {
      constexpr bool is_dynamic = std::is_base_of_v<DynamicCallback, Callback>;
      static_assert(!is_dynamic, "downbeat: a DynamicCallback goes into DynamicCallbacks, which goes into the tuple");
      if constexpr (!is_dynamic) check_callback<Callback, NamesObservation<Callback>>(events::All{});
      static_assert(ObservesDispatch<Callback> == NamesObservation<Callback>,
                    "downbeat: a callback that observes the dispatch has before_event(event), before_hook(event, "
                    "callback) and, both noexcept, after_hook(event, callback) and after_event(event)");
      static_assert(is_dynamic || GivesState<Callback> == TakesState<Callback>,
                    "downbeat: a callback with state has both CallbackState state() const and "
                    "void load_state(const CallbackState&)");
    }
  }
  return true;
}

}  // namespace contract

template <class... Cs>
class CallbackHandler : public contract::MembersOf<CallbackHandler<Cs...>, events::All> {
  static_assert((contract::check_held<Cs>() && ...));
  static_assert((contract::is_told_apart<Cs, Cs...>() && ...),
                "downbeat: two callbacks with state are of one type; give each a key: with_key<\"a\">(callback)");

 public:
  constexpr explicit CallbackHandler(Cs... callbacks) : callbacks_(std::move(callbacks)...) {}
  constexpr CallbackHandler(boost::hana::tuple<Cs...> callbacks, contract::FromTuple)
      : callbacks_(std::move(callbacks)) {}

  // Runs the hooks of the event in order. Things are args, state, control, what the event provides besides and whatever
  // else the loop has to offer; each type once.
  template <class Event, class... Things>
  constexpr void call_event(Event, Things&&... things) {
    const auto event = contract::view_of<Event>(things...);
    contract::take_back<Event>(event.control());
    constexpr std::make_index_sequence<hearers<Event>.size()> each;
    if constexpr (observers.size() > 0) {
      call_all_observed(event, each);
    } else if constexpr (contract::runs_to_the_end<Event>) {
      call_all_despite_exceptions(event, each);
    } else {
      call_all(event, each);
    }
  }

  // The callback of that type; of that key. One sentence at compile time when there is none, or several.
  template <class Callback>
  constexpr Callback& get() {
    constexpr int at = position<Callback>();
    static_assert(at != contract::kMissing, "downbeat: this handler has no such callback");
    static_assert(at != contract::kAmbiguous, "downbeat: this handler has several such callbacks; get it by its key");
    return contract::callback_in(boost::hana::at_c<at>(callbacks_));
  }
  template <Key key>
  constexpr auto& get() {
    constexpr int at = position_of_key(key.view());
    static_assert(at != contract::kMissing, "downbeat: this handler has no callback of that key");
    static_assert(at != contract::kAmbiguous, "downbeat: this handler has several callbacks of that key");
    return contract::callback_in(boost::hana::at_c<at>(callbacks_));
  }
  template <class Callback>
  static constexpr bool has() {
    return position<Callback>() != contract::kMissing;
  }

  // A new handler of a new type, with `callback` at the end; without the (only) callback of that type.
  template <class C>
  constexpr auto add(C callback) && {
    return CallbackHandler<Cs..., C>(boost::hana::append(std::move(callbacks_), std::move(callback)),
                                     contract::FromTuple{});
  }
  template <class C>
  constexpr auto add(C callback) const& {
    return CallbackHandler(*this).add(std::move(callback));
  }
  template <class Callback>
  constexpr auto remove() && {
    constexpr int at = position<Callback>();
    static_assert(at != contract::kMissing, "downbeat: this handler has no such callback to remove");
    static_assert(at != contract::kAmbiguous, "downbeat: this handler has several such callbacks to remove");
    auto rest = boost::hana::remove_at_c<at>(std::move(callbacks_));
    return decltype(contract::handler_of(rest))(std::move(rest), contract::FromTuple{});
  }
  template <class Callback>
  constexpr auto remove() const& {
    return CallbackHandler(*this).template remove<Callback>();
  }

  // Every callback, in order, each as it is held: a hana::tuple.
  constexpr auto take() && { return std::move(callbacks_); }
  constexpr auto& held() { return callbacks_; }

  // The states of the callbacks that have one, by name and key; and back. A name without a callback is left alone.
  CallbackStates states() const {
    CallbackStates all = own_states();
    for_each_there(*this, [&]<class Held>(const auto& callback, std::type_identity<Held>) {
      if constexpr (contract::HoldsStates<contract::CallbackIn<Held>>) all.merge(callback.states(all));
    });
    return all;
  }
  void load_states(const CallbackStates& states) {
    for_each_there(*this, [&]<class Held>(auto& callback, std::type_identity<Held>) {
      if constexpr (contract::HasState<contract::CallbackIn<Held>>) {
        const auto found = states.find(contract::state_name<Held>());
        if (found != states.end()) callback.load_state(found->second);
      } else if constexpr (contract::HoldsStates<contract::CallbackIn<Held>>) {
        callback.load_states(states, own_states());
      }
    });
  }

  // For a trainer: every hook against all it passes at each event (ThingsOf<Event>::type), before any event is called.
  template <template <class Event> class ThingsOf>
  static constexpr bool fits() {
    return (contract::fits<contract::CallbackIn<Cs>, ThingsOf>(events::All{}) && ... && true);
  }

 private:
  template <class Callback>
  static constexpr int position() {
    return contract::position_of<Callback>(contract::types<contract::CallbackIn<Cs>...>{});
  }
  static constexpr int position_of_key(std::string_view key) {
    int at = 0;
    int found = contract::kMissing;
    ((contract::key_of<Cs> == key ? void(found = found == contract::kMissing ? at : contract::kAmbiguous) : void(),
      ++at),
     ...);
    return found;
  }

  CallbackStates own_states() const {
    CallbackStates own;
    for_each_there(*this, [&]<class Held>(const auto& callback, std::type_identity<Held>) {
      if constexpr (contract::HasState<contract::CallbackIn<Held>>)
        own[contract::state_name<Held>()] = callback.state();
    });
    return own;
  }
  // visit(callback, how it is held) for all but empty ones.
  static void for_each_there(auto& handler, auto&& visit) {
    boost::hana::for_each(handler.callbacks_, [&]<class Held>(Held& held) {
      if (contract::is_there(held)) visit(contract::callback_in(held), std::type_identity<std::remove_const_t<Held>>{});
    });
  }

  template <class Event>
  static constexpr auto hearers = contract::positions_of_those<contract::hears<Event, contract::CallbackIn<Cs>>...>();
  static constexpr auto observers =
      contract::positions_of_those<contract::ObservesDispatch<contract::CallbackIn<Cs>>...>();

  template <class Event, class... Things, std::size_t... i>
  constexpr void call_all(const contract::View<Event, Things...>& event, std::index_sequence<i...>) {
    (contract::call_if_there(boost::hana::at_c<hearers<Event>[i]>(callbacks_), event), ...);
  }
  template <class Event, class... Things, std::size_t... i>
  void call_all_despite_exceptions(const contract::View<Event, Things...>& event, std::index_sequence<i...>) {
    contract::FirstException first;
    (first.attempt([&] { contract::call_if_there(boost::hana::at_c<hearers<Event>[i]>(callbacks_), event); }), ...);
    first.rethrow();
  }

  // --- With an observer ---

  template <class Event, class... Things, std::size_t... i>
  void call_all_observed(const contract::View<Event, Things...>& event, std::index_sequence<i...>) {
    tell_observers(event, [](auto& observer, const auto& seen) { observer.before_event(seen); });
    const contract::AtEnd after(
        [&] { tell_observers(event, [](auto& observer, const auto& seen) { observer.after_event(seen); }); });
    if constexpr (contract::runs_to_the_end<Event>) {
      contract::FirstException first;
      (first.attempt([&] { call_observed<hearers<Event>[i]>(event); }), ...);
      first.rethrow();
    } else {
      (call_observed<hearers<Event>[i]>(event), ...);
    }
  }
  template <std::size_t at, class Event, class... Things>
  void call_observed(const contract::View<Event, Things...>& event) {
    auto& held = boost::hana::at_c<at>(callbacks_);
    if (!contract::is_to_hear(held, event) || contract::is_empty_list(contract::callback_in(held))) return;
    const ObservedCallback& callback = observed<at>(held);
    tell_observers(event, [&](auto& observer, const auto& seen) { observer.before_hook(seen, callback); });
    const contract::AtEnd after(
        [&] { tell_observers(event, [&](auto& observer, const auto& seen) { observer.after_hook(seen, callback); }); });
    contract::call_hook<Event>(contract::callback_in(held), event);
  }
  template <std::size_t at, class Held>
  static const ObservedCallback& observed(const Held&) {
    static constexpr ObservedCallback callback{contract::type_name<contract::CallbackIn<Held>>(),
                                               contract::key_of<Held>, at};
    return callback;
  }
  void tell_observers(const auto& event, const auto& tell) {
    const auto tell_one = [&]<class Held>(Held& held) {
      if (!contract::is_to_hear(held, event)) return;
      tell(contract::callback_in(held), contract::view_for<contract::CallbackIn<Held>>(event));
    };
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      (tell_one(boost::hana::at_c<observers[i]>(callbacks_)), ...);
    }(std::make_index_sequence<observers.size()>{});
  }

  boost::hana::tuple<Cs...> callbacks_;
};

// How users name what they hand to Trainer: Callbacks(A{}, B{}) is CallbackHandler(A{}, B{}), and takes a handler among
// its arguments apart: Callbacks(report_to(args), B{}).
template <class... Given>
constexpr auto Callbacks(Given... callbacks) {
  auto all = boost::hana::flatten(boost::hana::make_tuple(contract::parts_of(std::move(callbacks))...));
  return decltype(contract::handler_of(all))(std::move(all), contract::FromTuple{});
}

}  // namespace downbeat
