// Pairs of functions that must be the same instructions, tuple_x and hand_x, and functions that must be one `ret`,
// nothing_x. Compiled to an object and compared by codegen_test.sh. ProfileCallback is known and in no tuple: nothing
// of it is in the object, no reading of a clock either.
#include "callbacks/pipeline/callback_handler.h"
#include "callbacks/profile.h"

using namespace downbeat;

struct Counter {
  long sum = 0;
  void on_step_end(const TrainerState& state) { sum += state.global_step; }
};
struct Quiet {  // hears nothing that is called here
  long sum = 0;
  void on_push_begin() { ++sum; }
};
struct Flagger {
  long sum = 0;
  void on_step_begin(const TrainerState& state, TrainerControl& control) {
    control.should_log = state.global_step == sum;
  }
};
struct WorldZeroCounter : Counter {
  static constexpr RunsOn runs_on = RunsOn::world_zero;
};
struct Model {};

using Nobody = CallbackHandler<>;
using Quiet3 = CallbackHandler<Quiet, Quiet, Quiet>;
using Args = const TrainingArguments;
using State = const TrainerState;
using Control = TrainerControl;

extern "C" {

// An event that nobody hears.
void nothing_unheard(Quiet3& h, Args& a, State& s, Control& c) { h.on_step_end(a, s, c); }
void nothing_called_by_name(Quiet3& h, Args& a, State& s, Control& c) { h.call_event(on_step_end, a, s, c); }
void nothing_with_model(Quiet3& h, Args& a, State& s, Control& c, Model& model) { h.on_epoch_end(a, s, c, model); }
void nothing_in_an_empty_handler(Nobody& h, Args& a, State& s, Control& c) { h.on_step_end(a, s, c); }
void nothing_at_the_end(Quiet3& h, Args& a, State& s, Control& c, const RunEnd& end) { h.on_train_end(a, s, c, end); }
void nothing_at_an_exception(Quiet3& h, Args& a, State& s, Control& c, std::exception_ptr& e, EventName& name) {
  h.on_exception(a, s, c, e, name);
}

// Counters that hear it: 1, one among 3, 8, and 2 behind std::ref.
void tuple_1(CallbackHandler<Counter>& h, Args& a, State& s, Control& c) { h.on_step_end(a, s, c); }
void hand_1(Counter& counter, Args&, State& s, Control&) { counter.on_step_end(s); }

struct Three {
  Quiet first;
  Counter second;
  Quiet third;
};
void tuple_3(CallbackHandler<Quiet, Counter, Quiet>& h, Args& a, State& s, Control& c) { h.on_step_end(a, s, c); }
void hand_3(Three& three, Args&, State& s, Control&) { three.second.on_step_end(s); }

struct Eight {
  Counter a, b, c, d, e, f, g, h;
};
void tuple_8(CallbackHandler<Counter, Counter, Counter, Counter, Counter, Counter, Counter, Counter>& h, Args& a,
             State& s, Control& c) {
  h.on_step_end(a, s, c);
}
void hand_8(Eight& eight, Args&, State& s, Control&) {
  eight.a.on_step_end(s);
  eight.b.on_step_end(s);
  eight.c.on_step_end(s);
  eight.d.on_step_end(s);
  eight.e.on_step_end(s);
  eight.f.on_step_end(s);
  eight.g.on_step_end(s);
  eight.h.on_step_end(s);
}

struct TwoElsewhere {
  Counter *first, *second;
};
void tuple_ref(CallbackHandler<std::reference_wrapper<Counter>, std::reference_wrapper<Counter>>& h, Args& a, State& s,
               Control& c) {
  h.on_step_end(a, s, c);
}
void hand_ref(TwoElsewhere& two, Args&, State& s, Control&) {
  two.first->on_step_end(s);
  two.second->on_step_end(s);
}

struct TwoOfThem {
  Quiet first;
  WorldZeroCounter second;
};

// Where HuggingFace's handler takes flags back, only these stores are left.
void tuple_train_begin(Quiet3& h, Args& a, State& s, Control& c) { h.on_train_begin(a, s, c); }
void hand_train_begin(Quiet3&, Args&, State&, Control& c) { c.should_training_stop = false; }

void tuple_epoch_begin(Quiet3& h, Args& a, State& s, Control& c) { h.on_epoch_begin(a, s, c); }
void hand_epoch_begin(Quiet3&, Args&, State&, Control& c) { c.should_epoch_stop = false; }

void tuple_step_begin(Quiet3& h, Args& a, State& s, Control& c) { h.on_step_begin(a, s, c); }
void hand_step_begin(Quiet3&, Args&, State&, Control& c) { c.should_log = c.should_evaluate = c.should_save = false; }

void tuple_evaluate(Quiet3& h, Args& a, State& s, Control& c, const Metrics& m) { h.on_evaluate(a, s, c, m); }
void hand_evaluate(Quiet3&, Args&, State&, Control& c, const Metrics&) { c.should_evaluate = false; }

void tuple_save(Quiet3& h, Args& a, State& s, Control& c, const Checkpoint& saved) { h.on_save(a, s, c, saved); }
void hand_save(Quiet3&, Args&, State&, Control& c, const Checkpoint&) { c.should_save = false; }

void tuple_log(Quiet3& h, Args& a, State& s, Control& c, Logs& logs) { h.on_log(a, s, c, logs); }
void hand_log(Quiet3&, Args&, State&, Control& c, Logs&) { c.should_log = false; }

void tuple_step_begin_heard(CallbackHandler<Flagger>& h, Args& a, State& s, Control& c) { h.on_step_begin(a, s, c); }
void hand_step_begin_heard(Flagger& flagger, Args&, State& s, Control& c) {
  c.should_log = c.should_evaluate = c.should_save = false;
  flagger.on_step_begin(s, c);
}

// On one rank only: the branch that one would write in the hook.
void tuple_world_zero(CallbackHandler<Quiet, WorldZeroCounter>& h, Args& a, State& s, Control& c) {
  h.on_step_end(a, s, c);
}
void hand_world_zero(TwoOfThem& two, Args&, State& s, Control&) {
  if (s.is_world_process_zero) two.second.on_step_end(s);
}
void nothing_unheard_on_one_rank(CallbackHandler<WorldZeroCounter>& h, Args& a, State& s, Control& c) {
  h.on_epoch_end(a, s, c);
}

}  // extern "C"
