// The weights of a model in a directory, as HuggingFace's save_pretrained divides them and from_pretrained finds them.
//
//   absl::Status saved = save_weights(state_dict(*model), "runs/a");
//   const auto tensors = load_weights("runs/a");
//   load_state_dict(*model, *tensors, /*strict=*/true);
//
// model.safetensors                        all of them, or where they are too large
// model-00001-of-00003.safetensors ...     parts of them, and
// model.safetensors.index.json             where each lies
// pytorch_model.bin                        of torch.save: only read
//
// For one file of any name, safetensors.h.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "trainer/checkpoint/state_dict.h"

namespace downbeat {

constexpr int64_t kMaxShardSize = 50'000'000'000;  // that of save_pretrained in transformers 5.23

// Into a directory that is there. Tied weights are written once, under the first of their names, as by
// safetensors.torch.save_model; the others are noted in the metadata. A file holds no more than `max_shard_size` bytes
// of data unless a single tensor is larger. Files of an earlier call that no longer count are deleted at the end.
absl::Status save_weights(const StateDict& tensors, const std::string& directory,
                          int64_t max_shard_size = kMaxShardSize);

// The first that is there of model.safetensors, its index and pytorch_model.bin; model.safetensors where none is.
std::string weights_file(const std::string& directory);

// Tensors are views of files mapped into memory (see load_safetensors) but for pytorch_model.bin, which is read. A
// missing or damaged file, or one that lacks what the index says, is one sentence that names it.
absl::StatusOr<StateDict> load_weights(const std::string& directory);

}  // namespace downbeat
