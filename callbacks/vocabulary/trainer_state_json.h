// TrainerState as trainer_state.json: HuggingFace's keys, sorted, laid out as Python writes them; and read back.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>

#include "callbacks/vocabulary/trainer_state.h"

namespace downbeat {

std::string to_json(const TrainerState& state);

// What is missing keeps its default, as in HuggingFace; but global_step has to be there. Keys that TrainerState does
// not have are left out. A key with a value of the wrong kind is an error whose sentence begins with the key.
absl::StatusOr<TrainerState> trainer_state_from_json(absl::string_view text);

}  // namespace downbeat
