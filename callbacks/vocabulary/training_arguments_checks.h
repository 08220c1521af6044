// HuggingFace's checks of TrainingArguments, and what follows from some of them for others.
//
//   absl::StatusOr<TrainingArguments> ready = resolve(args);   // checked, with what follows from other fields filled
//   in
//
// Trainer and the command line do this by themselves. Apart from training_arguments.h because absl::StatusOr costs
// every file that includes it half a second.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>

#include "callbacks/vocabulary/training_arguments.h"

namespace downbeat {

// OK, or one sentence that names the field, its value and what is allowed.
absl::Status validate(const TrainingArguments& args);

// The arguments as a run uses them, checked: do_eval, eval_steps, metric_for_best_model, greater_is_better and
// disable_tqdm follow from the others where they are not given. Shares of all steps stay, as they need the number of
// steps. Resolving twice changes nothing.
absl::StatusOr<TrainingArguments> resolve(const TrainingArguments& args);

// Why HuggingFace's argument `name` is refused: a sentence that begins after the name. Null if it is not.
const char* refusal(const std::string& name);

}  // namespace downbeat
