// Arguments of which this version supports only some of HuggingFace's values.
#pragma once

#include <string>

namespace downbeat {

// The values of argument `name` that are supported, a blank between two. Null: all values are.
inline const char* supported_values(const std::string& name) {
  constexpr const char* kSupported[][2] = {
      // A later version that supports the others deletes the line.
      {"train_sampling_strategy", "random sequential group_by_length"},
  };
  for (const auto& [argument, values] : kSupported) {
    if (name == argument) return values;
  }
  return nullptr;
}

}  // namespace downbeat
