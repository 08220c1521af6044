// CheckpointFiles: what a checkpoint directory holds, in HuggingFace's layout.
//
//   absl::StatusOr<CheckpointFiles> files = read_checkpoint("runs/a/checkpoint-500");
//
// model.safetensors      the weights; model_weights.h has the other files that may hold them
// optimizer.pt           the optimizer's state_dict(), and
// scheduler.pt           the schedule's; both or none of them are used
// rng_state.pth          the random number generators; of several processes rng_state_<rank>.pth for each
// trainer_state.json     where the run is
// training_args.json     what was asked for, in place of HuggingFace's pickled training_args.bin; nobody reads it
// config.json            that of the model, where it has one
#pragma once

#include <optional>
#include <string>
#include <vector>

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
  std::vector<PythonValue> random_states;  // of each rank; of one alone, as read
  std::string arguments;                   // JSON
  std::string config;                      // JSON; empty: none
};

// A missing or damaged file is one sentence that names it (absl::StatusCode::kNotFound, kDataLoss). Weights are mapped
// into memory, not read. Arguments and configuration are not read at all. Random state: that of `rank`, where there are
// several processes.
absl::StatusOr<CheckpointFiles> read_checkpoint(const std::string& directory, int rank = 0, int world_size = 1);

// Into a directory that is there; see write_directory.
absl::Status write_checkpoint(const CheckpointFiles& files, const std::string& directory);

// The weights with arguments and configuration only.
absl::Status write_model(const CheckpointFiles& files, const std::string& directory);

// The file of one rank's random state: rng_state.pth, rng_state_3.pth.
std::string random_state_file(const std::string& directory, int rank, int world_size);

// Copies of all tensors, so that training can go on while they are written.
CheckpointFiles with_own_tensors(CheckpointFiles files);

}  // namespace downbeat
