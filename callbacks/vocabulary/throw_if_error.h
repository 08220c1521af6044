// What a part that returns absl::Status has to say, thrown for those who expect exceptions, as LibTorch's users do.
//
//   throw_if_error(save_safetensors(state_dict(*model), "model.safetensors"));
#pragma once

#include <stdexcept>
#include <string>

#include "absl/status/status.h"

namespace downbeat {

// std::runtime_error with the sentence of the status.
inline void throw_if_error(const absl::Status& status) {
  if (!status.ok()) throw std::runtime_error(std::string(status.message()));
}

}  // namespace downbeat
