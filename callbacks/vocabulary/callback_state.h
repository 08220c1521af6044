// CallbackState: what a callback gives to a checkpoint and takes back from it, in HuggingFace's two parts.
//
//   CallbackState state() const { return {.args = {{"patience", patience_}}, .attributes = {{"counter", counter_}}}; }
//   void load_state(const CallbackState& state) { counter_ = std::get<int64_t>(state.attributes.at("counter")); }
//
// A callback that has both functions is saved with every checkpoint, under `stateful_callbacks` in trainer_state.json.
// A callback whose fields need not outlive the process has neither.
#pragma once

#include <map>
#include <string>

#include "callbacks/vocabulary/argument_types.h"

namespace downbeat {

struct CallbackState {
  Kwargs args = {};        // what the callback was constructed with
  Kwargs attributes = {};  // what changed since

  bool operator==(const CallbackState&) const = default;
};

using CallbackStates = std::map<std::string, CallbackState>;  // by name and key, see CallbackHandler::states()

}  // namespace downbeat
