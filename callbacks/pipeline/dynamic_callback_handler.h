// Callbacks chosen at run time: the same vocabulary through virtual functions.
//
//   class MyCallback : public DynamicCallback {
//     void on_step_end(const TrainingArguments&, const TrainerState& state, TrainerControl&) override { ... }
//   };
//
//   CallbackHandler handler(DefaultFlowCallback{}, DynamicCallbacks{});     // the list is an ordinary callback
//   auto& list = handler.get<DynamicCallbacks>();
//   list.add_callback(std::make_unique<MyCallback>());
//   list.add_callback(EarlyStoppingCallback({.early_stopping_patience = 3}));   // plain callbacks too
//   list.remove_callback<MyCallback>();
//
//   DynamicCallbackHandler dynamic(DefaultFlowCallback{}, std::make_unique<MyCallback>());   // nothing but virtual
//   ones dynamic.on_step_end(args, state, control);
//
// Virtual functions pass what the events provide (vocabulary/events.h) and nothing else: a hook that asks for the model
// needs a place in the static tuple, as does one that must cost nothing. See callback_handler.h. An observer
// (observer.h), like ProfileCallback, stands in the tuple too and sees a list as one callback, DynamicCallbacks.
//
// A plain callback keeps the ranks that its type names (vocabulary/runs_on.h); a DynamicCallback overrides runs_on().
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "callbacks/pipeline/callback_handler.h"
#include "callbacks/pipeline/observer.h"
#include "callbacks/pipeline/ranks.h"
#include "callbacks/vocabulary/runs_on.h"

namespace downbeat {

// The base of callbacks with virtual hooks; each does nothing unless overridden.
class DynamicCallback {
 public:
  virtual ~DynamicCallback() = default;

#define DOWNBEAT_X(event, ...) \
  virtual void event(const TrainingArguments&, const TrainerState&, TrainerControl& __VA_OPT__(, ) __VA_ARGS__) {}
  DOWNBEAT_EVENTS(DOWNBEAT_X)
#undef DOWNBEAT_X

  // What goes into checkpoints, under name(): nothing unless overridden.
  virtual std::optional<CallbackState> state() const { return std::nullopt; }
  virtual void load_state(const CallbackState&) {}

  // The ranks on which its hooks are called.
  virtual RunsOn runs_on() const { return RunsOn::every_rank; }

  virtual std::string name() const;  // the class, without namespaces
};

namespace contract {

// A plain callback in disguise. Only this object knows its class, so questions about it are virtual functions.
class AnyAdapter : public DynamicCallback {
 public:
  virtual const std::type_info& type() const = 0;
  virtual void throw_pointer() = 0;  // to the callback; see as()
};

// The callback as a T: null if it is neither one nor derived from one. The class of an adapted callback need not have
// virtual functions, and `catch` is the language's only conversion by run-time type that does without.
template <class T>
T* as(DynamicCallback& callback) {
  if constexpr (std::is_base_of_v<DynamicCallback, T>) {
    return dynamic_cast<T*>(&callback);
  } else {
    auto* adapter = dynamic_cast<AnyAdapter*>(&callback);
    if (adapter == nullptr) return nullptr;
    try {
      adapter->throw_pointer();
    } catch (T* found) {
      return found;
    } catch (...) {
      return nullptr;  // another class
    }
    return nullptr;  // nothing is held
  }
}

// Every parameter has a type that virtual functions pass, or a sentence is said.
template <class Parameter, class... Things>
constexpr Mistake mistake_in_virtual(types<Things...> things) {
  const Mistake mistake = mistake_in_parameter<Parameter>(things);
  return mistake == Mistake::not_provided ? Mistake::not_virtual : mistake;
}
template <class Event, class Callback, class... Ps>
constexpr void check_virtual(types<Ps...>) {
  (accept<Event, mistake_in_virtual<Ps>(typename Event::Provides{}), Callback, Ps>(), ...);
}
template <class Event, class Callback>
constexpr bool fits_virtual_function() {
  if constexpr (hears<Event, Callback>) {
    if constexpr (Event::template single<Callback>) {
      check_virtual<Event, Callback>(typename Event::template Hook<Callback>::Parameters{});
    }
  }
  return true;
}
template <class Held, class... Es>
constexpr bool fits_virtual_functions(types<Es...>) {
  using Callback = CallbackIn<Held>;
  static_assert(!HoldsStates<Callback>, "downbeat: a list of callbacks is not put into a list; add them one by one");
  static_assert(!ObservesDispatch<Callback>,
                "downbeat: a list does not show an observer how the others are called; put it into the tuple");
  if constexpr (check_held<Held>()) return (fits_virtual_function<Es, Callback>() && ...);
  return true;
}

// A class derived from DynamicCallback: a function with other parameters would hide the virtual one and never be
// called.
template <class Event, class C>
constexpr bool overrides() {
  if constexpr (Event::template single<C>) {
    using Parameters = typename Event::template Hook<C>::Parameters;
    accept<Event, std::is_same_v<Parameters, typename Event::Provides> ? Mistake::none : Mistake::hides_virtual, C>();
  }
  return true;
}
// A runs_on of its own, as plain callbacks have it, would hide that virtual function too.
template <class C>
constexpr bool overrides_runs_on = !requires { &C::runs_on; } || requires(const C& callback) {
  { callback.runs_on() } -> std::same_as<RunsOn>;
};
template <class C, class... Es>
constexpr bool check_dynamic(types<Es...>) {
  is_misspelt<C>();
  static_assert(overrides_runs_on<C>,
                "downbeat: runs_on is a virtual function of DynamicCallback; write RunsOn runs_on() const override");
  return (overrides<Es, C>() && ...);
}

}  // namespace contract

// A plain callback behind virtual functions; held as the static tuple would (by value, std::ref, smart pointer, key).
template <class Held>
class DynamicAdapter final : public contract::AnyAdapter {
  using Callback = contract::CallbackIn<Held>;
  static_assert(contract::fits_virtual_functions<Held>(events::All{}));

 public:
  explicit DynamicAdapter(Held callback) : held_(std::move(callback)) {}

#define DOWNBEAT_NAMED(...) __VA_OPT__(DOWNBEAT_NAMED_1(__VA_ARGS__))
#define DOWNBEAT_NAMED_1(type, ...) , type first __VA_OPT__(DOWNBEAT_NAMED_2(__VA_ARGS__))
#define DOWNBEAT_NAMED_2(type) , type second
#define DOWNBEAT_NAMES(...) __VA_OPT__(, first DOWNBEAT_NAMES_1(__VA_ARGS__))
#define DOWNBEAT_NAMES_1(type, ...) __VA_OPT__(, second)
#define DOWNBEAT_X(event, ...)                                                                                 \
  void event(const TrainingArguments& args, const TrainerState& state,                                         \
             TrainerControl& control DOWNBEAT_NAMED(__VA_ARGS__)) override {                                   \
    hear<events::event>(typename events::event::Provides{}, args, state, control DOWNBEAT_NAMES(__VA_ARGS__)); \
  }
  DOWNBEAT_EVENTS(DOWNBEAT_X)
#undef DOWNBEAT_X
#undef DOWNBEAT_NAMES_1
#undef DOWNBEAT_NAMES
#undef DOWNBEAT_NAMED_2
#undef DOWNBEAT_NAMED_1
#undef DOWNBEAT_NAMED

  std::optional<CallbackState> state() const override {
    if constexpr (contract::HasState<Callback>) {
      if (contract::is_there(held_)) return contract::callback_in(held_).state();
    }
    return std::nullopt;
  }
  void load_state([[maybe_unused]] const CallbackState& state) override {
    if constexpr (contract::HasState<Callback>) {
      if (contract::is_there(held_)) contract::callback_in(held_).load_state(state);
    }
  }
  RunsOn runs_on() const override { return contract::ranks_of<Callback>; }
  std::string name() const override { return contract::state_name<Held>(); }

  const std::type_info& type() const override { return typeid(Callback); }
  void throw_pointer() override {
    if (contract::is_there(held_)) throw &contract::callback_in(held_);
  }

 private:
  template <class Event, class... Ps, class... Things>
  void hear(contract::types<Ps...>, Things&... things) {
    if constexpr (contract::hears<Event, Callback>) {
      if (!contract::is_there(held_)) return;
      contract::call_hook<Event>(contract::callback_in(held_), contract::View<Event, Ps...>{{things...}});
    }
  }

  Held held_;
};

// A list of callbacks that can change while the program runs: what DynamicCallbacks and DynamicCallbackHandler share.
// The functions are those of HuggingFace's Trainer.
class DynamicCallbackList {
 public:
  // At the end of the list. Warns when a callback of exactly the same class is there already, unless a key tells them
  // apart. A DynamicCallback comes in a std::unique_ptr or, to be read after the run, in a std::shared_ptr.
  template <class C>
  void add_callback(C callback) {
    if constexpr (std::convertible_to<C, std::shared_ptr<DynamicCallback>>) {
      static_assert(contract::check_dynamic<contract::CallbackIn<C>>(events::All{}));
      add(std::move(callback));
    } else if constexpr (std::is_base_of_v<DynamicCallback, C>) {
      add_callback(std::make_shared<C>(std::move(callback)));
    } else {
      add(std::make_shared<DynamicAdapter<C>>(std::move(callback)));
    }
  }
  template <class C>
  void add_callback() {
    static_assert(std::is_default_constructible_v<C>,
                  "downbeat: add_callback<T>() makes a T without arguments; pass one: add_callback(T(...))");
    if constexpr (std::is_default_constructible_v<C>) add_callback(C());
  }

  // The first T, or object of a class derived from T; null when there is none.
  template <class T>
  T* get_callback() {
    const std::size_t at = find<T>([](const T*) { return true; });
    return at == callbacks_.size() ? nullptr : contract::as<T>(*callbacks_[at]);
  }

  // Takes the first T (or derived from T), or that very callback, out of the list; null when there is none.
  template <class T>
  std::shared_ptr<T> pop_callback() {
    return pop<T>(find<T>([](const T*) { return true; }));
  }
  template <class T>
  std::shared_ptr<T> pop_callback(const T* callback) {
    return pop<T>(find<T>([&](const T* one) { return one == callback; }));
  }

  // The same without giving it back. As in HuggingFace an absent class is ignored, but an absent callback throws
  // std::invalid_argument.
  template <class T>
  void remove_callback() {
    pop_callback<T>();
  }
  template <class T>
  void remove_callback(const T* callback) {
    if (!pop_callback(callback)) throw_absent();
  }

  std::vector<std::string> callback_list() const;  // their names, in order
  bool empty() const { return callbacks_.empty(); }
  std::size_t size() const { return callbacks_.size(); }

  // The states of those that have one, by name; the second of a name is called "Name[2]". The names of others (in the
  // static tuple) are taken already.
  CallbackStates states(const CallbackStates& others = {}) const;
  void load_states(const CallbackStates& states, const CallbackStates& others = {});

 protected:
  // An index, as a hook may add a callback.
  template <class Event, class... Ps, class View>
  void call_all(contract::types<Ps...>, const View& event) {
    const auto call = [&](std::size_t i) {
      if (runs_here(*callbacks_[i], event.state())) {
        Event::call(*callbacks_[i], event.template get<contract::Bare<Ps>>()...);
      }
    };
    if constexpr (contract::runs_to_the_end<Event>) {
      contract::FirstException first;
      for (std::size_t i = 0; i < callbacks_.size(); ++i) first.attempt([&] { call(i); });
      first.rethrow();
    } else {
      for (std::size_t i = 0; i < callbacks_.size(); ++i) call(i);
    }
  }

 private:
  static bool runs_here(const DynamicCallback& callback, const TrainerState& state) {
    const bool is_first_of_all = state.is_world_process_zero && state.is_local_process_zero;  // no need to ask
    return is_first_of_all || contract::is_among(callback.runs_on(), state);
  }
  template <class T, class Predicate>
  std::size_t find(const Predicate& is_it) {
    std::size_t at = 0;
    for (; at < callbacks_.size(); ++at) {
      const T* one = contract::as<T>(*callbacks_[at]);
      if (one != nullptr && is_it(one)) break;
    }
    return at;
  }
  template <class T>
  std::shared_ptr<T> pop(std::size_t at) {
    if (at == callbacks_.size()) return nullptr;
    std::shared_ptr<DynamicCallback> owner = take(at);
    T* callback = contract::as<T>(*owner);
    return {std::move(owner), callback};
  }
  void add(std::shared_ptr<DynamicCallback> callback);
  std::shared_ptr<DynamicCallback> take(std::size_t at);
  [[noreturn]] static void throw_absent();
  void for_each_state(const CallbackStates& others, auto&& visit) const;

  std::vector<std::shared_ptr<DynamicCallback>> callbacks_;
};

// An ordinary callback for the static tuple, which holds a list. While the list is empty an event costs one branch.
class DynamicCallbacks : public DynamicCallbackList {
 public:
  DynamicCallbacks() = default;
  DynamicCallbacks(DynamicCallbacks&&) = default;  // not copied: two lists would share their callbacks
  DynamicCallbacks& operator=(DynamicCallbacks&&) = default;

#define DOWNBEAT_X(name, ...) \
  void name(auto& event) { call_all<events::name>(typename events::name::Provides{}, event); }
  DOWNBEAT_EVENTS(DOWNBEAT_X)
#undef DOWNBEAT_X
};

// A CallbackHandler of nothing but virtual callbacks. Warns when no DefaultFlowCallback is among those it is made with,
// as without one nothing logs, evaluates, saves or stops.
class DynamicCallbackHandler : public DynamicCallbackList,
                               public contract::MembersOf<DynamicCallbackHandler, events::All> {
 public:
  template <class... Cs>
  explicit DynamicCallbackHandler(Cs... callbacks) {
    (add_callback(std::move(callbacks)), ...);
    warn_without_default_flow();
  }
  DynamicCallbackHandler(DynamicCallbackHandler&&) = default;
  DynamicCallbackHandler& operator=(DynamicCallbackHandler&&) = default;

  template <class Event, class... Things>
  void call_event(Event, Things&&... things) {
    const auto event = contract::view_of<Event>(things...);
    contract::take_back<Event>(event.control());
    call_all<Event>(typename Event::Provides{}, event);
  }

 private:
  void warn_without_default_flow() const;
};

}  // namespace downbeat
