// StateDict: the parameters and buffers of a model by their names, as files hold them.
//
//   StateDict tensors = state_dict(*model);
//   absl::Status loaded = load_state_dict(*other, tensors, /*strict=*/true);
//
// model_weights.h keeps them in a directory, safetensors.h in one file.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "absl/status/status.h"

namespace torch::nn {
class Module;
}

namespace downbeat {

using StateDict = std::map<std::string, at::Tensor>;  // by dotted name: "fc1.weight"

// The parameters and buffers of a model; the tensors are the model's own, not copies.
StateDict state_dict(const torch::nn::Module& model);

// Copies tensors into the model by name. A shape that does not fit is an error and changes nothing; with `strict` so is
// a name that is missing or too many, otherwise these are warned of, as HuggingFace does for the best model. Of tied
// weights one name is enough. Give tensors of a file by std::move, and each gives its memory back as soon as it is
// copied.
absl::Status load_state_dict(torch::nn::Module& model, StateDict tensors, bool strict);

// What load_state_dict would say, without changing anything.
absl::Status check_state_dict(const torch::nn::Module& model, const StateDict& tensors, bool strict);

// The names of tied weights: tensors with the same elements in the same memory. All but the first of each are mapped to
// the first, the one that safetensors.torch.save_model keeps. Tensors that overlap otherwise are not tied.
std::map<std::string, std::string> tied_names(const StateDict& tensors);

}  // namespace downbeat
