#include "trainer/requests.h"

#include <utility>

#include "trainer/interrupt.h"

namespace downbeat {
namespace {

constexpr bool TrainerControl::* kFlags[] = {&TrainerControl::should_training_stop, &TrainerControl::should_epoch_stop,
                                             &TrainerControl::should_save, &TrainerControl::should_evaluate,
                                             &TrainerControl::should_log};

TrainerControl take_flags_beyond(const TrainerControl& rules, TrainerControl& control) {
  TrainerControl beyond;
  for (const auto flag : kFlags) beyond.*flag = control.*flag && !(rules.*flag);
  for (const auto flag : kFlags) control.*flag = control.*flag && rules.*flag;
  if (beyond.should_training_stop) {
    beyond.stop_reason = std::exchange(control.stop_reason, "");
    beyond.stopped_by = std::exchange(control.stopped_by, "");
  }
  return beyond;
}

}  // namespace

bool Requests::any() const {
  bool is_any = signal != 0;
  for (const auto flag : kFlags) is_any |= control.*flag;
  return is_any;
}

void add_flags(TrainerControl& control, const TrainerControl& more) {
  if (more.should_training_stop && !control.should_training_stop) {
    control.stop_reason = more.stop_reason;
    control.stopped_by = more.stopped_by;
  }
  for (const auto flag : kFlags) control.*flag |= more.*flag;
}

RequestsOfAll::RequestsOfAll(std::function<Requests(const Requests&)> exchange) : exchange_(std::move(exchange)) {}

void RequestsOfAll::begin_run() {
  mine_ = {};
  known_ = {};
  known_signal_ = 0;
}

void RequestsOfAll::hold(TrainerControl& control, const TrainerControl& rules) {
  if (!is_distributed()) return;
  add_flags(mine_.control, take_flags_beyond(rules, control));
  if (known_signal_ == 0) mine_.signal = interrupt_signal();
}

void RequestsOfAll::exchange() {
  const Requests all = exchange_(std::exchange(mine_, {}));
  add_flags(known_, all.control);
  if (all.signal != 0) known_signal_ = all.signal;
}

TrainerControl RequestsOfAll::forget_taken_up() { return std::exchange(known_, {}); }

void RequestsOfAll::agree(TrainerControl& control) {
  if (!is_distributed()) return;
  hold(control, {});
  exchange();
  add_flags(control, forget_taken_up());
}

int RequestsOfAll::signal() const { return is_distributed() ? known_signal_ : interrupt_signal(); }

}  // namespace downbeat
