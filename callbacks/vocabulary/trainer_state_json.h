// TrainerState as trainer_state.json: HuggingFace's keys, sorted, laid out as Python writes them.
#pragma once

#include <string>

#include "callbacks/vocabulary/trainer_state.h"

namespace downbeat {

std::string to_json(const TrainerState& state);

}  // namespace downbeat
