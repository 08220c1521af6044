// What the user asked for: HuggingFace's TrainingArguments. They never change during a run.
//
//   TrainingArguments args{.max_steps = 1000, .logging_steps = 50, .report_to = {"tensorboard"}};
//   absl::StatusOr<TrainingArguments> ready = resolve(args);  // checked and completed: see below
//
// The fields stand in HuggingFace's order in training_arguments.def, each with its default and meaning. Command line:
// training_arguments_flags.h; file: training_arguments_json.h; checks: training_arguments_checks.h. A setting of your
// own program belongs into a struct of its own beside this one (see "described struct" in training_arguments_flags.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "callbacks/vocabulary/argument_types.h"

namespace downbeat {

struct TrainingArguments {
#define DOWNBEAT_ARGUMENT(type, name, default_value, group, help) type name = default_value;
#include "callbacks/vocabulary/training_arguments.def"
#undef DOWNBEAT_ARGUMENT

  bool operator==(const TrainingArguments&) const = default;

  // Calls field(name, member pointer, help, group) for every field.
  static void describe(auto&& field) {
#define DOWNBEAT_ARGUMENT(type, name, default_value, group, help) field(#name, &TrainingArguments::name, help, group);
#include "callbacks/vocabulary/training_arguments.def"
#undef DOWNBEAT_ARGUMENT
  }
};

// An interval of `steps` in a run of max_steps: below 1 it is a share of them, rounded up.
int64_t absolute_interval(double steps, int64_t max_steps);

// How many steps the learning rate rises. 1 is one step, not all of them.
int64_t warmup_steps(const TrainingArguments& args, int64_t max_steps);

}  // namespace downbeat
