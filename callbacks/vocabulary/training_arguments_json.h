// TrainingArguments as JSON: HuggingFace's names in its order, values as its own to_json_string() writes them. Every
// value comes back exactly as it was.
//
//   std::ofstream("arguments.json") << to_json(args);
//   absl::StatusOr<TrainingArguments> same = from_json(text);   // fields that are not there keep their default
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>

#include "callbacks/vocabulary/training_arguments.h"

namespace downbeat {

std::string to_json(const TrainingArguments& args);

// An unknown name, a refused one whose value is not null and a value of the wrong kind are errors. What the values
// mean is not checked: see validate().
absl::StatusOr<TrainingArguments> from_json(absl::string_view text);

}  // namespace downbeat
