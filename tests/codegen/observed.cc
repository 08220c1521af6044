// The handlers of codegen.cc with a ProfileCallback: what is compiled in then, so that codegen_test.sh knows what it
// has to miss in codegen.cc, which includes the same headers.
#include "callbacks/pipeline/callback_handler.h"
#include "callbacks/profile.h"

using namespace downbeat;

struct Counter {
  long sum = 0;
  void on_step_end(const TrainerState& state) { sum += state.global_step; }
};

extern "C" void observed_1(CallbackHandler<Counter, ProfileCallback>& h, const TrainingArguments& a,
                           const TrainerState& s, TrainerControl& c) {
  h.on_step_end(a, s, c);
}
