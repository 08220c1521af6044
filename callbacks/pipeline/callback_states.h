// The state of callbacks in checkpoints: who has one, and the name it is stored under.
//
// A callback with state has `CallbackState state() const` and `void load_state(const CallbackState&)`; see
// vocabulary/callback_state.h for an example. It is stored under its class name, as in HuggingFace; with a key under
// "Class[key]". A callback that holds others (DynamicCallbacks) has `CallbackStates states(const CallbackStates&
// others) const` and `void load_states(const CallbackStates&, const CallbackStates& others)` instead; others' names are
// taken.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include "callbacks/pipeline/held.h"
#include "callbacks/vocabulary/callback_state.h"

namespace downbeat::contract {

template <class C>
concept GivesState = requires(const C& callback) {
  { callback.state() } -> std::same_as<CallbackState>;
};
template <class C>
concept TakesState = requires(C& callback, const CallbackState& state) { callback.load_state(state); };
template <class C>
concept HasState = GivesState<C> && TakesState<C>;
template <class C>
concept HoldsStates = requires(const C& callback, C& mutable_callback, const CallbackStates& states) {
  { callback.states(states) } -> std::same_as<CallbackStates>;
  mutable_callback.load_states(states, states);
};

// "EarlyStoppingCallback", without namespaces and the scope of a local class.
constexpr std::string_view without_scope(std::string_view name) {
  int depth = 0;
  for (std::size_t i = name.size(); i > 1; --i) {
    if (name[i - 1] == '>') ++depth;
    if (name[i - 1] == '<') --depth;
    if (depth == 0 && name[i - 1] == ':') return name.substr(i);
  }
  return name;
}
template <class Callback>
constexpr std::string_view type_name() {  // with all of it
  std::string_view name = __PRETTY_FUNCTION__;
  name.remove_prefix(name.find("Callback = ") + 11);
  return name.substr(0, name.find_first_of(";]"));
}
template <class Callback>
constexpr std::string_view class_name() {
  return without_scope(type_name<Callback>());
}

template <class Held>
std::string state_name() {
  std::string name(class_name<CallbackIn<Held>>());
  const std::string_view key = key_of<Held>;
  if (!key.empty()) name.append("[").append(key).append("]");
  return name;
}

// Two callbacks with state of one type need keys that differ.
template <class Held, class Other>
constexpr bool are_twins = std::is_same_v<CallbackIn<Held>, CallbackIn<Other>> && key_of<Held> == key_of<Other>;
template <class Held, class... All>
constexpr bool is_told_apart() {
  if constexpr (HasState<CallbackIn<Held>>) {
    return (int{are_twins<Held, All>} + ... + 0) == 1;
  } else {
    return true;
  }
}

}  // namespace downbeat::contract
