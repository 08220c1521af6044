#include "trainer/requests.h"

#include <utility>

namespace downbeat {
namespace {

constexpr bool TrainerControl::* kFlags[] = {&TrainerControl::should_training_stop, &TrainerControl::should_epoch_stop,
                                             &TrainerControl::should_save, &TrainerControl::should_evaluate,
                                             &TrainerControl::should_log};

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

}  // namespace downbeat
