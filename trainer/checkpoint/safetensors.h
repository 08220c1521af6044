// model.safetensors: the weights of a model in the format of the safetensors library, byte for byte as it writes them.
//
//   save_safetensors(state_dict(*model), "model.safetensors");
//   const auto tensors = load_safetensors("model.safetensors");
//   load_state_dict(*model, *tensors);
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace torch::nn {
class Module;
}

namespace downbeat {

using StateDict = std::map<std::string, at::Tensor>;  // by dotted name: "fc1.weight"

// The parameters and buffers of a model; the tensors are the model's own, not copies.
StateDict state_dict(const torch::nn::Module& model);

absl::Status save_safetensors(const StateDict& tensors, const std::string& path);

// Reads a whole file. A missing, cut-off or damaged one is one sentence that names it.
absl::StatusOr<StateDict> load_safetensors(const std::string& path);

// Copies tensors into the model by name. A shape that does not fit is an error and changes nothing; with `strict` so is
// a name that is missing or too many, otherwise these are warned of, as HuggingFace does for the best model.
absl::Status load_state_dict(torch::nn::Module& model, const StateDict& tensors, bool strict);

}  // namespace downbeat
