// Observers: callbacks of the static tuple that are told of the dispatch itself, whatever stands before or after them.
//
//   struct Stopwatch {
//     void before_event(const auto& event);                                   // event.name(), event.state(), ...
//     void before_hook(const auto& event, const ObservedCallback& callback);  // callback.type, callback.position
//     void after_hook(const auto& event, const ObservedCallback& callback) noexcept;
//     void after_event(const auto& event) noexcept;
//   };
//   CallbackHandler handler(MyCallback{}, Stopwatch{}, ProgressCallback{});     // told of all three
//
// before_event comes ahead of the first hook and also where nobody hears the event; before_hook around each hook that
// is called, not for an empty std::optional, an empty list or a callback of other ranks. What begins also ends:
// after_hook and after_event come after an exception too. A list (DynamicCallbacks) is one callback. An observer needs
// no hooks; those it has are observed like all others. Several observers are told in their order. One with runs_on is
// told of nothing on other ranks.
//
// CallbackHandler asks at compile time whether there is an observer: without one its code is what it would be if there
// were none of this (tests/codegen). It is for measuring, as ProfileCallback does; to do something at an event write a
// hook.
#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>

#include "callbacks/pipeline/callback.h"
#include "callbacks/pipeline/callback_states.h"

namespace downbeat {

// One callback of the tuple. The texts live as long as the program.
struct ObservedCallback {
  std::string_view type;     // "downbeat::EarlyStoppingCallback"
  std::string_view key;      // of with_key(), or empty
  std::size_t position = 0;  // in the tuple
};

namespace contract {

using SomeEvent = PlainView<events::on_step_end>;

template <class C>
concept ObservesDispatch = requires(C& observer, SomeEvent& event, const ObservedCallback& callback) {
  observer.before_event(event);
  observer.before_hook(event, callback);
  { observer.after_hook(event, callback) } noexcept;
  { observer.after_event(event) } noexcept;
};
// For the sentence: one that has a part of it.
template <class C>
concept NamesObservation =
    requires(C& observer, SomeEvent& event) { observer.before_event(event); } ||
    requires(C& observer, SomeEvent& event) { observer.after_event(event); } ||
    requires(C& observer, SomeEvent& event, const ObservedCallback& c) { observer.before_hook(event, c); } ||
    requires(C& observer, SomeEvent& event, const ObservedCallback& c) { observer.after_hook(event, c); };

// An empty list hears nothing, as an empty std::optional.
template <class C>
constexpr bool is_empty_list([[maybe_unused]] const C& callback) {
  if constexpr (requires { requires HoldsStates<C> && std::same_as<decltype(callback.empty()), bool>; }) {
    return callback.empty();
  } else {
    return false;
  }
}

// Runs at the end of its scope, also when an exception leaves it.
template <class Function>
class AtEnd {
 public:
  explicit AtEnd(Function function) : function_(function) {}
  ~AtEnd() { function_(); }
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;

 private:
  Function function_;
};

}  // namespace contract
}  // namespace downbeat
