// How a CallbackHandler may hold a callback: by value, std::optional, std::ref, std::unique_ptr, std::shared_ptr, or
// under a key.
//
//   std::optional<ProgressCallback> progress;                       // a choice at run time: skipped when empty
//   Callbacks(std::ref(mine), progress, with_key<"accuracy">(EarlyStoppingCallback({.early_stopping_patience = 3})));
//
// A key tells two callbacks of one type apart: in checkpoints, and for handler.get<"accuracy">().
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace downbeat {

template <std::size_t size>
struct Key {
  consteval Key(const char (&literal)[size]) { std::copy_n(literal, size, text); }
  constexpr std::string_view view() const { return {text, size - 1}; }
  char text[size];
};

template <Key key, class Callback>
struct Keyed {
  Callback callback;
};

template <Key key, class Callback>
constexpr Keyed<key, Callback> with_key(Callback callback) {
  return {std::move(callback)};
}

namespace contract {

// How to reach the callback, whether it is there (an empty std::optional or pointer hears nothing), and its key.
template <class Held>
struct HowHeld {  // by value
  static constexpr auto& callback(auto& held) { return held; }
  static constexpr bool is_there(const Held&) { return true; }
  static constexpr std::string_view key = "";
};
struct HeldByPointer {
  static constexpr auto& callback(auto& held) { return *held; }
  static constexpr bool is_there(const auto& held) { return static_cast<bool>(held); }
  static constexpr std::string_view key = "";
};
template <class C>
struct HowHeld<std::optional<C>> : HeldByPointer {};
template <class C, class Deleter>
struct HowHeld<std::unique_ptr<C, Deleter>> : HeldByPointer {};
template <class C>
struct HowHeld<std::shared_ptr<C>> : HeldByPointer {};
template <class C>
struct HowHeld<std::reference_wrapper<C>> {
  static constexpr auto& callback(auto& held) { return held.get(); }
  static constexpr bool is_there(const auto&) { return true; }
  static constexpr std::string_view key = "";
};
template <Key its_key, class C>
struct HowHeld<Keyed<its_key, C>> {
  static constexpr auto& callback(auto& held) { return HowHeld<C>::callback(held.callback); }
  static constexpr bool is_there(const auto& held) { return HowHeld<C>::is_there(held.callback); }
  static constexpr std::string_view key = its_key.view();
};

template <class Held>
constexpr auto& callback_in(Held& held) {
  return HowHeld<std::remove_const_t<Held>>::callback(held);
}
template <class Held>
constexpr bool is_there(const Held& held) {
  return HowHeld<Held>::is_there(held);
}
template <class Held>
constexpr std::string_view key_of = HowHeld<Held>::key;

template <class Held>
using CallbackIn = std::remove_cvref_t<decltype(callback_in(std::declval<Held&>()))>;

}  // namespace contract
}  // namespace downbeat
