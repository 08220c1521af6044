// One file of tensors in the format of the safetensors library, byte for byte as it writes them.
//
//   save_safetensors(state_dict(*model), "model.safetensors");
//   const auto tensors = load_safetensors("model.safetensors");
//   load_state_dict(*model, *tensors, /*strict=*/true);
//
// For the weights of a model, which may have tied tensors or be too large for one file, model_weights.h.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "trainer/checkpoint/safetensors_header.h"
#include "trainer/checkpoint/state_dict.h"

namespace downbeat {

// Writes tensors from their own memory, one after another, and waits until the file is on disk. One that is not
// contiguous or lies on a GPU is copied for as long as it is written. Each name is written, also of tied tensors.
// `metadata` comes on top of {"format": "pt"}. What the format cannot hold is refused before anything is written.
absl::Status save_safetensors(const StateDict& tensors, const std::string& path,
                              const SafetensorsMetadata& metadata = {});

// The tensors are views of the file, which is mapped into memory and not read: nothing is copied but tensors whose
// position in the file does not suit their type, which only other writers leave. They can be written to, which does not
// change the file; see MappedFile for what may happen to the file meanwhile. A missing, cut-off or damaged one is one
// sentence that names it.
absl::StatusOr<StateDict> load_safetensors(const std::string& path);

}  // namespace downbeat
