// Every misuse of a callback and the sentence that the compiler says first. sentences_test.sh compiles each case with
// its REJECT lines, where the sentence behind CASE must be the first error, and all cases together with their ACCEPT
// lines, where there must be none. What stands behind C++26 follows in compilers that take computed sentences.
// clang-format off
#ifdef DOWNBEAT_REJECT
#define REJECT(...) __VA_ARGS__
#define ACCEPT(...)
#else
#define REJECT(...)
#define ACCEPT(...) __VA_ARGS__
#endif

#include "callbacks/pipeline/dynamic_callback_handler.h"

using namespace downbeat;

struct Model {};
struct Group {
  static constexpr bool is_collective = true;
};
struct Good {
  void on_step_end() {}
};
struct Other {
  void on_step_end() {}
};
struct Stateful : Good {
  CallbackState state() const { return {}; }
  void load_state(const CallbackState&) {}
};
inline const TrainingArguments args;
inline TrainerState state;
inline TrainerControl control;

// CASE on_step_end is overloaded, or a template that does not take one event; keep one function
namespace two_functions {
struct Callback {
  void on_step_end(const TrainerState&) {}
  REJECT(void on_step_end(const TrainerState&, TrainerControl&) {})
};
auto handler = Callbacks(Callback{});
}  // namespace two_functions

// CASE on_step_end is overloaded, or a template that does not take one event; keep one function
namespace template_of_two {
struct Callback {
  void on_step_end(auto& REJECT(, auto&)) {}
};
auto handler = Callbacks(Callback{});
}  // namespace template_of_two

// CASE on_step_end is private, protected or overloaded; make one function public
namespace two_functions_of_one_parameter {
struct Callback {
  void on_step_end(const TrainerState&) {}
  REJECT(void on_step_end(TrainerControl&) {})
};
auto handler = Callbacks(Callback{});
}  // namespace two_functions_of_one_parameter

// CASE on_step_end is private, protected or overloaded; make one function public
namespace private_hook {
class Callback {
  ACCEPT(public:)
  void on_step_end(const TrainerState&) {}
};
auto handler = Callbacks(Callback{});
}  // namespace private_hook

// CASE on_log is private, protected or overloaded; make one function public
namespace one_hook_of_two_is_private {
class Callback {
 public:
  void on_step_end(const TrainerState&) {}
  REJECT(private:)
  void on_log(const Logs&) {}
};
auto handler = Callbacks(Callback{});
}  // namespace one_hook_of_two_is_private

// CASE on_epoch_end is private, protected or overloaded; make one function public
namespace protected_hook {
class Callback {
  REJECT(protected) ACCEPT(public) : void on_epoch_end() {}
};
auto handler = Callbacks(Callback{});
}  // namespace protected_hook

// CASE on_step_end must be a member function, not a data member
namespace data_member {
struct Callback {
  REJECT(int on_step_end = 0;)
  ACCEPT(void on_step_end() {})
};
auto handler = Callbacks(Callback{});
}  // namespace data_member

// CASE on_step_end must be a member function, not a data member
namespace static_data_member {
struct Callback {
  REJECT(static constexpr int on_step_end = 0;)
  ACCEPT(static void on_step_end() {})
};
auto handler = Callbacks(Callback{});
}  // namespace static_data_member

// CASE on_step_end must return void; to steer the run take TrainerControl& and set a flag
namespace returns {
struct Callback {
  REJECT(bool on_step_end() { return true; })
  ACCEPT(void on_step_end(TrainerControl& control) { control.should_training_stop = true; })
};
auto handler = Callbacks(Callback{});
}  // namespace returns

// CASE on_step_end must return void; to steer the run take TrainerControl& and set a flag
namespace generic_hook_returns {
struct Callback {
  REJECT(bool) ACCEPT(void) on_step_end(auto& event) { REJECT(return) event.control().should_log = true; }
};
auto handler = Callbacks(Callback{});
}  // namespace generic_hook_returns

// CASE on_step_end takes its parameters as const T&, T& or T, not as pointer or T&&
namespace by_pointer {
struct Callback {
  void on_step_end(const TrainerState REJECT(*) ACCEPT(&)) {}
};
auto handler = Callbacks(Callback{});
}  // namespace by_pointer

// CASE on_step_end takes its parameters as const T&, T& or T, not as pointer or T&&
namespace by_rvalue_reference {
struct Callback {
  void on_step_end(TrainerState REJECT(&&)) {}
};
auto handler = Callbacks(Callback{});
}  // namespace by_rvalue_reference

// CASE on_step_end takes a copy of TrainerControl; take TrainerControl& to steer, const& to read
namespace control_by_value {
struct Callback {
  void on_step_end(TrainerControl ACCEPT(&)) {}
};
auto handler = Callbacks(Callback{});
}  // namespace control_by_value

// CASE on_step_begin does not provide this parameter
namespace not_provided {
struct Early {
  void REJECT(on_step_begin) ACCEPT(on_log)(const Logs&) {}
};
auto handler = Callbacks(Early{});
}  // namespace not_provided

// CASE on_step_end does not provide this parameter
namespace not_provided_to_a_trainer {
struct Other {};
struct Callback {
  void on_step_end(REJECT(Other&) ACCEPT(Model&)) {}
};
template <class Event>
struct Passes {
  using type = contract::types<Model&>;
};
static_assert(CallbackHandler<Callback>::fits<Passes>());
}  // namespace not_provided_to_a_trainer

// CASE on_step_end is called here without this parameter; pass it after args, state and control
namespace not_passed {
struct Callback {
  void on_step_end(Model&) {}
};
void call(CallbackHandler<Callback>& handler) {
  Model model;
  handler.on_step_end(args, state, control ACCEPT(, model));
}
}  // namespace not_passed

// CASE on_log is called here without this parameter; pass it after args, state and control
namespace logs_are_not_passed {
struct Callback {
  void on_log(const Logs&) {}
};
void call(CallbackHandler<Callback>& handler) {
  Logs logs;
  handler.call_event(on_log, args, state, control ACCEPT(, logs));
}
}  // namespace logs_are_not_passed

// CASE on_step_end provides this parameter read-only; take it as const T& or by value
// C++26 (callback state_to_write::Greedy, it asks for downbeat::TrainerState &)
namespace state_to_write {
struct Greedy {
  void on_step_end(ACCEPT(const) TrainerState&) {}
};
auto handler = Callbacks(Greedy{});
}  // namespace state_to_write

// CASE on_init_end provides this parameter read-only; take it as const T& or by value
namespace arguments_to_write {
struct Callback {
  void on_init_end(TrainingArguments REJECT(&)) {}
};
auto handler = Callbacks(Callback{});
}  // namespace arguments_to_write

// CASE on_evaluate provides this parameter read-only; take it as const T& or by value
namespace metrics_to_write {
struct Callback {
  void on_evaluate(ACCEPT(const) Metrics&) {}
};
auto handler = Callbacks(Callback{});
}  // namespace metrics_to_write

// CASE on_step_end provides this parameter read-only; take it as const T& or by value
namespace model_to_write {
struct Callback {
  void on_step_end(ACCEPT(const) Model&) {}
};
void call(CallbackHandler<Callback>& handler, const Model& model) { handler.on_step_end(args, state, control, model); }
}  // namespace model_to_write

// CASE on_step_end is passed two things that this parameter could mean; name the exact type
namespace ambiguous {
struct Generator : Model {};
struct Discriminator : Model {};
struct Callback {
  void on_step_end(REJECT(Model&) ACCEPT(Generator&)) {}
};
void call(CallbackHandler<Callback>& handler, Generator& one, Discriminator& other) {
  handler.on_step_end(args, state, control, one, other);
}
}  // namespace ambiguous

// CASE no event is called on_step_ended; did you mean on_step_end?
// C++26 (callback near_miss::Typo)
namespace near_miss {
struct Typo {
  void REJECT(on_step_ended) ACCEPT(on_step_end)(const TrainerState&) {}
};
auto handler = Callbacks(Typo{});
}  // namespace near_miss

// CASE no event is called on_train_start; did you mean on_train_begin?
namespace private_near_miss {
class Callback {
 public:
  void on_step_end() {}

 private:
  REJECT(void on_train_start() {})
  ACCEPT(void at_train_start() {})
};
auto handler = Callbacks(Callback{});
}  // namespace private_near_miss

// CASE no event is called OnStepEnd; did you mean on_step_end?
namespace near_miss_of_a_final_class {
struct Callback final {
  void REJECT(OnStepEnd) ACCEPT(on_step_end)() {}
};
auto handler = Callbacks(Callback{});
}  // namespace near_miss_of_a_final_class

// CASE no event is called on_validation_end; did you mean on_evaluate?
namespace inherited_near_miss {
struct Base {
  void REJECT(on_validation_end) ACCEPT(on_evaluate)() {}
};
struct Callback : Base {
  void on_step_end() {}
};
auto handler = Callbacks(Callback{});
}  // namespace inherited_near_miss

// CASE this callback hears no event; give it a public member function named as one, like on_step_end
namespace no_hook {
struct Callback {
  void REJECT(on_something) ACCEPT(on_step_end)() {}
};
auto handler = Callbacks(Callback{});
}  // namespace no_hook

// CASE this callback hears no event; give it a public member function named as one, like on_step_end
namespace lambda {
auto handler = Callbacks(REJECT([] {}) ACCEPT(Good{}));
}  // namespace lambda

// CASE a callback is an object of a class with hooks like on_step_end
namespace number {
auto handler = Callbacks(REJECT(100) ACCEPT(Good{}));
}  // namespace number

// CASE a callback is held by value, std::ref, std::optional or a smart pointer, not by raw pointer
namespace raw_pointer {
Good good;
auto handler = Callbacks(REJECT(&good) ACCEPT(std::ref(good)));
}  // namespace raw_pointer

// CASE a handler is not held as a callback; Callbacks(handler, callback) joins them
namespace handler_in_a_handler {
CallbackHandler<Good> first(Good{});
auto handler = REJECT(CallbackHandler) ACCEPT(Callbacks)(first, Good{});
}  // namespace handler_in_a_handler

// CASE a handler is not held as a callback; Callbacks(handler, callback) joins them
namespace dynamic_handler_in_a_handler {
auto handler = Callbacks(REJECT(DynamicCallbackHandler()) ACCEPT(DynamicCallbacks()));
}  // namespace dynamic_handler_in_a_handler

// CASE two callbacks with state are of one type; give each a key: with_key<"a">(callback)
namespace two_states_without_key {
auto handler = Callbacks(REJECT(Stateful{}) ACCEPT(with_key<"first">(Stateful{})), Stateful{});
}  // namespace two_states_without_key

// CASE two callbacks with state are of one type; give each a key: with_key<"a">(callback)
namespace two_states_of_one_key {
auto handler = Callbacks(with_key<"a">(Stateful{}), with_key<REJECT("a") ACCEPT("b")>(Stateful{}));
}  // namespace two_states_of_one_key

// CASE a callback with state has both CallbackState state() const and void load_state(const CallbackState&)
namespace state_that_is_never_loaded {
struct Callback : Good {
  CallbackState state() const { return {}; }
  ACCEPT(void load_state(const CallbackState&) {})
};
auto handler = Callbacks(Callback{});
}  // namespace state_that_is_never_loaded

// CASE a callback with state has both CallbackState state() const and void load_state(const CallbackState&)
namespace state_that_is_not_const {
struct Callback : Good {
  CallbackState state() ACCEPT(const) { return {}; }
  void load_state(const CallbackState&) {}
};
auto handler = Callbacks(Callback{});
}  // namespace state_that_is_not_const

// CASE this handler has no such callback
namespace get_of_an_absent_one {
CallbackHandler handler(Good{});
auto& found = handler.get<REJECT(Other) ACCEPT(Good)>();
}  // namespace get_of_an_absent_one

// CASE this handler has several such callbacks; get it by its key
namespace get_of_a_repeated_one {
CallbackHandler handler(Good{}, with_key<"second">(Good{}));
auto& found = handler.get<REJECT(Good) ACCEPT("second")>();
}  // namespace get_of_a_repeated_one

// CASE this handler has no callback of that key
namespace get_of_an_absent_key {
CallbackHandler handler(with_key<"a">(Good{}));
auto& found = handler.get<REJECT("b") ACCEPT("a")>();
}  // namespace get_of_an_absent_key

// CASE this handler has several callbacks of that key
namespace get_of_a_repeated_key {
CallbackHandler handler(with_key<"a">(Good{}), with_key<REJECT("a") ACCEPT("b")>(Other{}));
auto& found = handler.get<"a">();
}  // namespace get_of_a_repeated_key

// CASE this handler has no such callback to remove
namespace removal_of_an_absent_one {
auto handler = CallbackHandler(Good{}).remove<REJECT(Other) ACCEPT(Good)>();
}  // namespace removal_of_an_absent_one

// CASE this handler has several such callbacks to remove
namespace removal_of_a_repeated_one {
auto handler = CallbackHandler(Good{}, REJECT(Good{}) ACCEPT(Other{})).remove<Good>();
}  // namespace removal_of_a_repeated_one

// CASE an event is called with at least (TrainingArguments, TrainerState, TrainerControl)
namespace called_without_control {
void call(CallbackHandler<Good>& handler) { handler.on_step_end(args, state ACCEPT(, control)); }
}  // namespace called_without_control

// CASE an event is called with at least (TrainingArguments, TrainerState, TrainerControl)
namespace dynamic_called_with_nothing {
void call(DynamicCallbackHandler& handler) { handler.call_event(on_epoch_end ACCEPT(, args, state, control)); }
}  // namespace dynamic_called_with_nothing

// CASE this event does not provide what is asked for; see events.h for what it does
namespace generic_hook_asks_for_more {
struct Callback {
  void REJECT(on_step_end) ACCEPT(on_evaluate)(auto& event) { event.metrics(); }
};
void call(CallbackHandler<Callback>& handler, const Metrics& metrics) {
  REJECT(handler.on_step_end(args, state, control);)
  handler.on_evaluate(args, state, control, metrics);
}
}  // namespace generic_hook_asks_for_more

// CASE runs_on is a public constant: static constexpr RunsOn runs_on = RunsOn::world_zero, local_zero or every_rank
// C++26 (callback ranks_by_a_word::Callback)
namespace ranks_by_a_word {
struct Callback : Good {
  REJECT(static constexpr bool runs_on = true;)
  ACCEPT(static constexpr RunsOn runs_on = RunsOn::world_zero;)
};
auto handler = Callbacks(Callback{});
}  // namespace ranks_by_a_word

// CASE runs_on is a public constant: static constexpr RunsOn runs_on = RunsOn::world_zero, local_zero or every_rank
namespace ranks_of_an_object {
struct Callback : Good {
  ACCEPT(static constexpr) RunsOn runs_on = RunsOn::local_zero;
};
auto handler = Callbacks(Callback{});
}  // namespace ranks_of_an_object

// CASE runs_on is a public constant: static constexpr RunsOn runs_on = RunsOn::world_zero, local_zero or every_rank
namespace ranks_that_change {
struct Callback final : Good {
  static inline ACCEPT(constexpr) RunsOn runs_on = RunsOn::local_zero;
};
auto handler = Callbacks(Callback{});
}  // namespace ranks_that_change

// CASE runs_on is a public constant: static constexpr RunsOn runs_on = RunsOn::world_zero, local_zero or every_rank
namespace private_ranks {
class Callback : public Good {
  ACCEPT(public:)
  static constexpr RunsOn runs_on = RunsOn::world_zero;
};
auto handler = Callbacks(Callback{});
}  // namespace private_ranks

// CASE runs_on is a public constant: static constexpr RunsOn runs_on = RunsOn::world_zero, local_zero or every_rank
namespace ranks_as_a_function {
struct Callback : Good {
  REJECT(RunsOn runs_on() const { return RunsOn::world_zero; })
  ACCEPT(static constexpr RunsOn runs_on = RunsOn::every_rank;)
};
void add(DynamicCallbacks& callbacks) { callbacks.add_callback(Callback{}); }
}  // namespace ranks_as_a_function

// CASE runs_on is a virtual function of DynamicCallback; write RunsOn runs_on() const override
namespace ranks_that_hide_a_virtual_function {
struct Callback : DynamicCallback {
  REJECT(static constexpr RunsOn runs_on = RunsOn::world_zero;)
  ACCEPT(RunsOn runs_on() const override { return RunsOn::world_zero; })
};
void add(DynamicCallbacks& callbacks) { callbacks.add_callback<Callback>(); }
}  // namespace ranks_that_hide_a_virtual_function

// CASE on_step_end asks for what all ranks have to use together, but runs_on keeps this callback to some of them; leave out runs_on or do without it
// C++26 (callback collective_on_one_rank::Callback, it asks for Group &)
namespace collective_on_one_rank {
struct Callback {
  REJECT(static constexpr RunsOn runs_on = RunsOn::world_zero;)
  void on_step_end(const TrainerState&, Group&) {}
};
auto handler = Callbacks(Callback{});
}  // namespace collective_on_one_rank

// CASE on_epoch_end asks for what all ranks have to use together, but runs_on keeps this callback to some of them; leave out runs_on or do without it
namespace collective_on_one_rank_of_each_machine {
struct Callback {
  static constexpr RunsOn runs_on = RunsOn::REJECT(local_zero) ACCEPT(every_rank);
  void on_epoch_end(const Group&) {}
};
auto handler = Callbacks(std::optional<Callback>());
}  // namespace collective_on_one_rank_of_each_machine

// CASE on_step_end asks for what all ranks have to use together, but runs_on keeps this callback to some of them; leave out runs_on or do without it
namespace collective_of_a_trainer {
struct LaterGroup;
struct Callback {
  REJECT(static constexpr RunsOn runs_on = RunsOn::world_zero;)
  void on_step_end(LaterGroup&) {}
};
CallbackHandler handler(Callback{});
struct LaterGroup : Group {};
template <class Event>
struct Passes {
  using type = contract::types<LaterGroup&>;
};
static_assert(CallbackHandler<Callback>::fits<Passes>());
}  // namespace collective_of_a_trainer

// CASE on_step_end asks for what all ranks have to use together, but runs_on keeps this callback to some of them; leave out runs_on or do without it
namespace base_of_a_collective {
struct Base {};
struct Derived : Base {
  static constexpr bool is_collective = true;
};
struct Callback {
  REJECT(static constexpr RunsOn runs_on = RunsOn::world_zero;)
  void on_step_end(Base&) {}
};
void call(CallbackHandler<Callback>& handler, Derived& group) { handler.on_step_end(args, state, control, group); }
}  // namespace base_of_a_collective

// CASE this event does not provide what is asked for; see events.h for what it does
namespace generic_hook_asks_for_a_collective {
struct Callback {
  REJECT(static constexpr RunsOn runs_on = RunsOn::world_zero;)
  void on_step_end(auto& event) { event.template get<Group>(); }
};
void call(CallbackHandler<Callback>& handler, Group& group) { handler.on_step_end(args, state, control, group); }
}  // namespace generic_hook_asks_for_a_collective

// CASE on_step_end cannot pass this parameter through virtual functions; put the callback into the tuple
namespace model_through_virtual_functions {
struct Callback {
  void on_step_end(REJECT(Model&) ACCEPT(const TrainerState&)) {}
};
void add(DynamicCallbacks& callbacks) { callbacks.add_callback(Callback{}); }
}  // namespace model_through_virtual_functions

// CASE on_step_end is not DynamicCallback's virtual function; take all its parameters and write override
namespace function_that_hides_a_virtual_one {
struct Callback : DynamicCallback {
  REJECT(void on_step_end(const TrainerState&) {})
  ACCEPT(void on_step_end(const TrainingArguments&, const TrainerState&, TrainerControl&) override {})
};
void add(DynamicCallbacks& callbacks) { callbacks.add_callback(std::make_unique<Callback>()); }
}  // namespace function_that_hides_a_virtual_one

// CASE no event is called on_batch_end; did you mean on_step_end?
namespace near_miss_beside_virtual_functions {
struct Callback : DynamicCallback {
  REJECT(void on_batch_end() {})
  ACCEPT(void at_batch_end() {})
};
void add(DynamicCallbacks& callbacks) { callbacks.add_callback<Callback>(); }
}  // namespace near_miss_beside_virtual_functions

// CASE a DynamicCallback goes into DynamicCallbacks, which goes into the tuple
namespace dynamic_callback_in_the_tuple {
auto handler = Callbacks(REJECT(std::make_unique<DynamicCallback>()) ACCEPT(DynamicCallbacks()));
}  // namespace dynamic_callback_in_the_tuple

// CASE a list of callbacks is not put into a list; add them one by one
namespace list_in_a_list {
void add(DynamicCallbacks& callbacks) { callbacks.add_callback(REJECT(DynamicCallbacks()) ACCEPT(Good{})); }
}  // namespace list_in_a_list

// CASE add_callback<T>() makes a T without arguments; pass one: add_callback(T(...))
namespace callback_that_needs_arguments {
struct Callback : Good {
  explicit Callback(int) {}
};
void add(DynamicCallbacks& callbacks) { callbacks.add_callback REJECT(<Callback>()) ACCEPT((Callback(1))); }
}  // namespace callback_that_needs_arguments

// CASE a callback that observes the dispatch has before_event(event), before_hook(event, callback) and, both noexcept, after_hook(event, callback) and after_event(event)
namespace observer_of_events_only {
struct Callback {
  void before_event(const auto&) {}
  ACCEPT(void before_hook(const auto&, const ObservedCallback&) {})
  ACCEPT(void after_hook(const auto&, const ObservedCallback&) noexcept {})
  void after_event(const auto&) noexcept {}
};
auto handler = Callbacks(Callback{});
}  // namespace observer_of_events_only

// CASE a callback that observes the dispatch has before_event(event), before_hook(event, callback) and, both noexcept, after_hook(event, callback) and after_event(event)
namespace observer_that_may_throw {
struct Callback : Good {
  void before_event(const auto&) {}
  void before_hook(const auto&, const ObservedCallback&) {}
  void after_hook(const auto&, const ObservedCallback&) noexcept {}
  void after_event(const auto&) ACCEPT(noexcept) {}
};
auto handler = Callbacks(Callback{});
}  // namespace observer_that_may_throw

// CASE a list does not show an observer how the others are called; put it into the tuple
namespace observer_in_a_list {
struct Callback {
  void before_event(const auto&) {}
  void before_hook(const auto&, const ObservedCallback&) {}
  void after_hook(const auto&, const ObservedCallback&) noexcept {}
  void after_event(const auto&) noexcept {}
};
void add(DynamicCallbacks& callbacks) { callbacks.add_callback(REJECT(Callback{}) ACCEPT(Good{})); }
}  // namespace observer_in_a_list
