// What Trainer checks when it is constructed, besides what the compiler has checked.
#pragma once

#include <string_view>
#include <vector>

#include "callbacks/pipeline/held.h"
#include "callbacks/vocabulary/training_arguments.h"

namespace downbeat {

// The arguments resolved. Throws std::invalid_argument with one sentence where they are not valid, ask for an
// evaluation without a set, or name a tracker in report_to that is not among `trackers`.
TrainingArguments checked_arguments(const TrainingArguments& args, bool has_eval_dataset,
                                    const std::vector<std::string_view>& trackers);

// The names by which --report_to knows the callbacks: C::report_to_name of those that have one.
template <class... Held>
std::vector<std::string_view> claimed_trackers() {
  std::vector<std::string_view> names;
  [[maybe_unused]] const auto add = [&]<class C>(C*) {
    if constexpr (requires { C::report_to_name; }) names.push_back(C::report_to_name);
  };
  (add(static_cast<contract::CallbackIn<Held>*>(nullptr)), ...);
  return names;
}

}  // namespace downbeat
