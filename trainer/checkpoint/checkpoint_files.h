// CheckpointFiles: what a checkpoint directory holds, in HuggingFace's layout.
//
//   absl::StatusOr<CheckpointFiles> files = read_checkpoint("runs/a/checkpoint-500");
//
// model.safetensors      the weights; model_weights.h has the other files that may hold them
// optimizer.pt           the optimizer's state_dict(), and
// scheduler.pt           the schedule's; both or none of them are used
// rng_state.pth          the random number generators
// trainer_state.json     where the run is
// training_args.json     what was asked for, in place of HuggingFace's pickled training_args.bin; nobody reads it
// config.json            that of the model, where it has one
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "trainer/checkpoint/state_dict.h"
#include "trainer/torch_file/python_value.h"

namespace downbeat {

struct CheckpointFiles {
  StateDict weights;
  TrainerState state;
  std::optional<PythonValue> optimizer;
  std::optional<PythonValue> lr_scheduler;
  std::optional<PythonValue> random_state;
  std::string arguments;  // JSON
  std::string config;     // JSON; empty: none
};

// A missing or damaged file is one sentence that names it (absl::StatusCode::kNotFound, kDataLoss). Weights are mapped
// into memory, not read. Arguments and configuration are not read at all.
absl::StatusOr<CheckpointFiles> read_checkpoint(const std::string& directory);

// Into a directory that is there; see write_directory.
absl::Status write_checkpoint(const CheckpointFiles& files, const std::string& directory);

// The weights with arguments and configuration only.
absl::Status write_model(const CheckpointFiles& files, const std::string& directory);

// Copies of all tensors, so that training can go on while they are written.
CheckpointFiles with_own_tensors(CheckpointFiles files);

}  // namespace downbeat
