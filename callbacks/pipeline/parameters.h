// How the parameters of a hook are matched: each by its type, in any order and any subset.
//
// `View` is what one call of an event passes: references, found by type. It is also what a generic hook receives:
//
//   void on_evaluate(auto& event) { std::cout << event.metrics().at("eval_loss") << event.state().global_step; }
//
// Implementation of callback.h and callback_handler.h; users meet only the members of View.
#pragma once

#include <tuple>
#include <type_traits>
#include <utility>

#include "callbacks/vocabulary/events.h"

namespace downbeat::contract {

// A list of types; hana::tuple_t would do the same at several times the compile time.
template <class... Ts>
struct types {};
template <class... As, class... Bs>
constexpr types<As..., Bs...> operator+(types<As...>, types<Bs...>) {
  return {};
}

template <class T>
using Bare = std::remove_cvref_t<T>;

enum : int { kMissing = -1, kAmbiguous = -2 };

// Which of the things at hand does a hook mean? The one of the same type, else the only one derived from it.
template <class Wanted, class... Things>
constexpr int position_of(types<Things...>) {
  int at = 0;
  int same = kMissing;
  int derived = kMissing;
  const auto note = [&at](int& found) { found = found == kMissing ? at : kAmbiguous; };
  ((std::is_same_v<Wanted, Bare<Things>>      ? note(same)
    : std::is_base_of_v<Wanted, Bare<Things>> ? note(derived)
                                              : void(),
    ++at),
   ...);
  return same == kMissing ? derived : same;
}

template <int at, class... Things>
using thing_at = std::tuple_element_t<static_cast<std::size_t>(at), std::tuple<Things...>>;

template <class Event, class... Things>
struct View {
  std::tuple<Things...> things;  // references

  template <class Wanted>
  static constexpr bool has() {
    return position_of<Wanted>(types<Things...>{}) >= 0;
  }
  template <class Wanted>
  constexpr auto& get() const {
    static_assert(has<Wanted>(),
                  "downbeat: this event does not provide what is asked for; see events.h for what it does");
    return std::get<static_cast<std::size_t>(position_of<Wanted>(types<Things...>{}))>(things);
  }
  static constexpr std::string_view name() { return Event::name(); }
  constexpr const TrainingArguments& args() const { return get<TrainingArguments>(); }
  constexpr const TrainerState& state() const { return get<TrainerState>(); }
  constexpr TrainerControl& control() const { return get<TrainerControl>(); }
  constexpr auto& logs() const { return get<Logs>(); }
  constexpr auto& metrics() const { return get<Metrics>(); }
};

// The view of an event that is passed nothing but what it provides.
template <class Event, class... Ps>
View<Event, Ps...> plain_view(types<Ps...>);

// The parameters of a hook, from decltype(&Callback::on_xxx).
template <class F>
struct Signature {
  static constexpr bool is_function = false;
};
template <class R, class... Ps>
struct Signature<R(Ps...)> {
  static constexpr bool is_function = true;
  using Result = R;
  using Parameters = types<Ps...>;
};
template <class F, class C>
struct Signature<F C::*> : Signature<F> {};
template <class F>
struct Signature<F*> : Signature<F> {};
template <class R, class... Ps>
struct Signature<R(Ps...) const> : Signature<R(Ps...)> {};
template <class R, class... Ps>
struct Signature<R(Ps...)&> : Signature<R(Ps...)> {};
template <class R, class... Ps>
struct Signature<R(Ps...) const&> : Signature<R(Ps...)> {};
template <class R, class... Ps>
struct Signature<R(Ps...) noexcept> : Signature<R(Ps...)> {};
template <class R, class... Ps>
struct Signature<R(Ps...) const noexcept> : Signature<R(Ps...)> {};
template <class R, class... Ps>
struct Signature<R(Ps...) & noexcept> : Signature<R(Ps...)> {};
template <class R, class... Ps>
struct Signature<R(Ps...) const & noexcept> : Signature<R(Ps...)> {};

}  // namespace downbeat::contract
