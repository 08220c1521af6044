// The contract: what a callback must look like, and the sentence said at compile time when it does not.
//
// A callback is a plain class with at least one hook: a public, non-overloaded member function that returns void, is
// named as an event and asks for its parameters by type.
//
//   struct StopAtStep100 {
//     void on_step_end(const TrainerState& state, TrainerControl& control) {
//       if (state.global_step == 100) control.stop_training("step 100 is reached");
//     }
//   };
//
// `static constexpr RunsOn runs_on = RunsOn::world_zero;` in it keeps it to one process of a distributed run; what all
// processes have to use together is then not to be had (vocabulary/runs_on.h, ranks.h).
//
// The checks are made when a CallbackHandler of the callback is named, whether or not an event ever happens. For
// callbacks chosen at run time see dynamic_callback_handler.h.
#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>

#include "callbacks/pipeline/parameters.h"
#include "callbacks/pipeline/ranks.h"
#include "callbacks/vocabulary/events.h"

namespace downbeat::contract {

// What can be wrong with a hook. The sentences stand in DOWNBEAT_EVENT, which knows the event's name.
enum class Mistake {
  none,
  overloaded,
  not_public,
  data_member,
  returns,
  by_pointer,
  control_copied,
  not_provided,
  not_passed,
  not_virtual,
  hides_virtual,
  read_only,
  ambiguous,
  collective
};

template <class Parameter, class... Things>
constexpr Mistake mistake_in_parameter(types<Things...>) {
  using Wanted = Bare<Parameter>;
  constexpr int at = position_of<Wanted>(types<Things...>{});
  if constexpr (std::is_pointer_v<Wanted> || std::is_rvalue_reference_v<Parameter>) {
    return Mistake::by_pointer;
  } else if constexpr (std::is_same_v<Parameter, TrainerControl>) {
    return Mistake::control_copied;  // it would steer a copy
  } else if constexpr (at == kMissing) {
    return Mistake::not_provided;
  } else if constexpr (at == kAmbiguous) {
    return Mistake::ambiguous;
  } else if constexpr (std::is_convertible_v<thing_at<at, Things...>, Parameter>) {
    return Mistake::none;
  } else {
    return Mistake::read_only;
  }
}

// Of a hook with these things at hand. It may ask for the base of a collective, so that the thing itself counts.
template <class Callback, class Parameter, class... Things>
constexpr Mistake mistake_in_hook(types<Things...> things) {
  if constexpr (!is_on_every_rank<Callback>) {
    constexpr int at = position_of<Bare<Parameter>>(types<Things...>{});
    if constexpr (at >= 0) {
      if (is_collective<Bare<thing_at<at, Things...>>>) return Mistake::collective;
    }
  }
  return mistake_in_parameter<Parameter>(things);
}

// Has a class a member of some name, even a private or overloaded one? Name lookup comes before access control, so
// `&Probed<C>::name` is ambiguous exactly if C has it: Probed derives from C and from a class that has every name.
struct Names {
#define DOWNBEAT_X(name, ...) int name;
  DOWNBEAT_EVENTS(DOWNBEAT_X)
  DOWNBEAT_NEAR_MISSES(DOWNBEAT_X)
#undef DOWNBEAT_X
  int runs_on;
};
template <class C>
struct WithNames : C, Names {};
template <class C>  // nobody can look into a final class
using Probed = std::conditional_t<std::is_final_v<C>, Names, WithNames<C>>;

// All at once, as a single expression costs a fraction of one for each name.
template <class C>
constexpr bool has_no_near_miss = requires {
#define DOWNBEAT_X(wrong, right) &Probed<C>::wrong;
  DOWNBEAT_NEAR_MISSES(DOWNBEAT_X)
#undef DOWNBEAT_X
};

struct Anything {  // converts to every parameter; only for asking whether some overload can be called
  template <class T>
  operator T&() const;
};

// C++26 takes computed sentences, which name callback and parameter too. Before, a sentence is a literal and the
// compiler's own lines around it name the rest.
#if defined(__cpp_static_assert) && __cpp_static_assert >= 202306L
template <class T>
constexpr std::string_view type_name_for_sentence() {  // "... [T = Greedy]" (clang), "... [with T = Greedy; ...]" (gcc)
  std::string_view all = __PRETTY_FUNCTION__;
  all.remove_prefix(all.find("T = ") + 4);
  return all.substr(0, all.find_first_of(";]"));
}
template <class Callback, class Parameter = void>
struct Sentence {
  constexpr explicit Sentence(std::string_view sentence) {
    append(sentence), append(" (callback "), append(type_name_for_sentence<Callback>());
    if (!std::is_void_v<Parameter>) append(", it asks for "), append(type_name_for_sentence<Parameter>());
    append(")");
  }
  constexpr void append(std::string_view more) {
    for (char c : more) {
      if (length < sizeof(text)) text[length++] = c;
    }
  }
  constexpr std::size_t size() const { return length; }
  constexpr const char* data() const { return text; }
  char text[1000] = {};
  std::size_t length = 0;
};
#define DOWNBEAT_SAY_UNLESS(condition, sentence, ...) \
  static_assert(condition, (contract::Sentence<__VA_ARGS__>("downbeat: " sentence)));
#else
#define DOWNBEAT_SAY_UNLESS(condition, sentence, ...) static_assert(condition, "downbeat: " sentence);
#endif

}  // namespace downbeat::contract

namespace downbeat::events {

// One struct an event: all that needs the name as a token, so that everything else can be ordinary code. The struct is
// called as the event, so that the compiler's "[with Event = ...on_step_end]" names it.
#define DOWNBEAT_SAY(which, sentence) DOWNBEAT_SAY_UNLESS(mistake != which, sentence, Callback, Parameter)
#define DOWNBEAT_EVENT(event, ...)                                                                                     \
  struct event {                                                                                                       \
    using Provides =                                                                                                   \
        contract::types<const TrainingArguments&, const TrainerState&, TrainerControl & __VA_OPT__(, ) __VA_ARGS__>;   \
    static constexpr std::string_view name() { return #event; }                                                        \
    template <class C>                                                                                                 \
    static constexpr bool named = !requires { &contract::Probed<C>::event; };                                          \
    template <class C>                                                                                                 \
    static constexpr bool single = requires { &C::event; };                                                            \
    template <class C, class... Ts>                                                                                    \
    static constexpr bool callable = requires(C& c, Ts&... ts) { c.event(ts...); };                                    \
    template <class C, class T>                                                                                        \
    static constexpr bool returns_nothing = requires(C& c, T& t) {                                                     \
      { c.event(t) } -> std::same_as<void>;                                                                            \
    };                                                                                                                 \
    template <class C>                                                                                                 \
    using Hook = contract::Signature<decltype(&C::event)>;                                                             \
    static constexpr void call(auto& callback, auto&... things) { callback.event(things...); }                         \
    template <class Handler>                                                                                           \
    struct Member { /* handler.on_xxx(...) */                                                                          \
      constexpr void event(auto&&... things) { static_cast<Handler*>(this)->call_event(events::event{}, things...); }  \
    };                                                                                                                 \
    template <contract::Mistake mistake, class Callback, class Parameter = void>                                       \
    static constexpr bool accept() {                                                                                   \
      using enum contract::Mistake;                                                                                    \
      DOWNBEAT_SAY(overloaded, #event " is overloaded, or a template that does not take one event; keep one function") \
      DOWNBEAT_SAY(not_public, #event " is private, protected or overloaded; make one function public")                \
      DOWNBEAT_SAY(data_member, #event " must be a member function, not a data member")                                \
      DOWNBEAT_SAY(returns, #event " must return void; to steer the run take TrainerControl& and set a flag")          \
      DOWNBEAT_SAY(by_pointer, #event " takes its parameters as const T&, T& or T, not as pointer or T&&")             \
      DOWNBEAT_SAY(control_copied,                                                                                     \
                   #event " takes a copy of TrainerControl; take TrainerControl& to steer, const& to read")            \
      DOWNBEAT_SAY(not_provided, #event " does not provide this parameter")                                            \
      DOWNBEAT_SAY(not_passed, #event " is called here without this parameter; pass it after args, state and control") \
      DOWNBEAT_SAY(not_virtual,                                                                                        \
                   #event " cannot pass this parameter through virtual functions; put the callback into the tuple")    \
      DOWNBEAT_SAY(hides_virtual,                                                                                      \
                   #event " is not DynamicCallback's virtual function; take all its parameters and write override")    \
      DOWNBEAT_SAY(read_only, #event " provides this parameter read-only; take it as const T& or by value")            \
      DOWNBEAT_SAY(ambiguous, #event " is passed two things that this parameter could mean; name the exact type")      \
      DOWNBEAT_SAY(collective, #event                                                                                  \
                   " asks for what all ranks have to use together, but runs_on keeps this callback "                   \
                   "to some of them; leave out runs_on or do without it")                                              \
      return mistake == none;                                                                                          \
    }                                                                                                                  \
  };
DOWNBEAT_EVENTS(DOWNBEAT_EVENT)
#undef DOWNBEAT_EVENT
#undef DOWNBEAT_SAY

#define DOWNBEAT_X(event, ...) contract::types<event>{} +
using All = decltype(DOWNBEAT_EVENTS(DOWNBEAT_X) contract::types<>{});
#undef DOWNBEAT_X

}  // namespace downbeat::events

namespace downbeat {

#define DOWNBEAT_X(event, ...) inline constexpr events::event event{};  // handler.call_event(on_step_end, ...)
DOWNBEAT_EVENTS(DOWNBEAT_X)
#undef DOWNBEAT_X

}  // namespace downbeat

namespace downbeat::contract {

// A hook that takes the whole event, of whatever type: void on_step_end(auto& event).
template <class Event>
using PlainView = const decltype(plain_view<Event>(typename Event::Provides{}));
template <class Event, class Callback>
constexpr bool is_generic_hook =
    !Event::template single<Callback> && Event::template callable<Callback, PlainView<Event>>;

// Everything but this bool is instantiated for hooks that are there, not for each event of each callback.
template <class Event, class Callback>
constexpr bool hears = Event::template named<Callback>;
template <class Event, class Callback>
  requires std::is_final_v<Callback>
constexpr bool hears<Event, Callback> = Event::template single<Callback> || is_generic_hook<Event, Callback>;

// Says the sentence of a mistake, if it is one.
template <class Event, Mistake mistake, class Callback, class Parameter = void>
constexpr bool accept() {
  if constexpr (mistake == Mistake::none) {
    return true;
  } else {
    return Event::template accept<mistake, Callback, Parameter>();
  }
}

// Does any event know this type?
template <class Wanted, class... Es>
constexpr bool in_vocabulary(types<Es...>) {
  return ((position_of<Wanted>(typename Es::Provides{}) != kMissing) || ...);
}

// A type that no event knows may be something that Trainer or an own loop passes (its model): checked there. That it
// is a collective is said here already, unless the class is only declared yet.
template <class Event, class Callback, class Parameter>
constexpr Mistake mistake_in_declaration() {
  constexpr Mistake mistake = mistake_in_parameter<Parameter>(typename Event::Provides{});
  if constexpr (mistake == Mistake::not_provided) {
    if constexpr (in_vocabulary<Bare<Parameter>>(events::All{})) {
      return mistake;
    } else if constexpr (is_on_every_rank<Callback>) {
      return Mistake::none;
    } else {
      return is_collective<Bare<Parameter>, Event, Callback> ? Mistake::collective : Mistake::none;
    }
  }
  return mistake;
}
template <class Event, class Callback, class... Ps>
constexpr void check_parameters(types<Ps...>) {
  (accept<Event, mistake_in_declaration<Event, Callback, Ps>(), Callback, Ps>(), ...);
}

template <class Event, class Callback>
constexpr void check_hook() {
  using enum Mistake;
  using A = Anything;
  if constexpr (Event::template single<Callback>) {
    using Hook = typename Event::template Hook<Callback>;
    if constexpr (!Hook::is_function) {
      accept<Event, data_member, Callback>();
    } else if constexpr (!std::is_void_v<typename Hook::Result>) {
      accept<Event, returns, Callback, typename Hook::Result>();
    } else {
      check_parameters<Event, Callback>(typename Hook::Parameters{});
    }
  } else if constexpr (is_generic_hook<Event, Callback>) {
    constexpr bool is_void = Event::template returns_nothing<Callback, PlainView<Event>>;
    accept<Event, is_void ? none : returns, Callback>();
  } else {
    constexpr bool some = Event::template callable<Callback> || Event::template callable<Callback, A> ||
                          Event::template callable<Callback, A, A> || Event::template callable<Callback, A, A, A>;
    accept<Event, some ? overloaded : not_public, Callback>();
  }
}

// True if a near miss was found and its sentence said.
template <class Callback>
constexpr bool is_misspelt() {
  if constexpr (has_no_near_miss<Callback> && !std::is_final_v<Callback>) {
    return false;
  } else {
    bool misspelt = false;
#define DOWNBEAT_X(wrong, right)                                                                              \
  {                                                                                                           \
    constexpr bool has_it =                                                                                   \
        std::is_final_v<Callback> ? requires { &Callback::wrong; } : !requires { &Probed<Callback>::wrong; }; \
    DOWNBEAT_SAY_UNLESS(!has_it, "no event is called " #wrong "; did you mean " #right "?", Callback)         \
    misspelt |= has_it;                                                                                       \
  }
    DOWNBEAT_NEAR_MISSES(DOWNBEAT_X)
#undef DOWNBEAT_X
    return misspelt;
  }
}

// Has it a runs_on, of whatever kind?
template <class Callback>
constexpr bool names_runs_on =
    std::is_final_v<Callback> ? requires { &Callback::runs_on; } : !requires { &Probed<Callback>::runs_on; };

template <class Event, class Callback>
constexpr bool check_event() {
  if constexpr (hears<Event, Callback>) check_hook<Event, Callback>();
  return hears<Event, Callback>;
}

// `observes`: it need not hear anything, see observer.h.
template <class Callback, bool observes = false, class... Es>
constexpr bool check_callback(types<Es...>) {
  constexpr bool misspelt = is_misspelt<Callback>();
  constexpr bool hears_any = (check_event<Es, Callback>() | ... | false);
  DOWNBEAT_SAY_UNLESS(hears_any || misspelt || observes,
                      "this callback hears no event; give it a public member function named as one, like on_step_end",
                      Callback)
  DOWNBEAT_SAY_UNLESS(SaysRunsOn<Callback> || !names_runs_on<Callback>,
                      "runs_on is a public constant: static constexpr RunsOn runs_on = RunsOn::world_zero, local_zero "
                      "or every_rank",
                      Callback)
  return true;
}

}  // namespace downbeat::contract
