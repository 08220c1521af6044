#include "trainer/checkpoint/model_checkpoints.h"

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "callbacks/vocabulary/trainer_state_json.h"
#include "callbacks/vocabulary/training_arguments_json.h"
#include "trainer/checkpoint/directory.h"
#include "trainer/checkpoint/safetensors.h"

namespace downbeat {
namespace {

constexpr char kWeightsName[] = "model.safetensors";
constexpr char kStateName[] = "trainer_state.json";
constexpr char kArgumentsName[] = "training_args.json";

void throw_if_error(const absl::Status& status) {
  if (!status.ok()) throw std::runtime_error(std::string(status.message()));
}

std::string path_in(const std::string& directory, const char* name) {
  return (std::filesystem::path(directory) / name).string();
}

absl::Status write_model(const torch::nn::Module& model, const TrainingArguments& args, const std::string& directory) {
  absl::Status status = save_safetensors(state_dict(model), path_in(directory, kWeightsName));
  if (status.ok()) status = write_file(path_in(directory, kArgumentsName), to_json(args) + "\n");
  return status;
}

}  // namespace

ModelCheckpoints::ModelCheckpoints(std::shared_ptr<torch::nn::Module> model, const TrainingArguments& args)
    : model_(std::move(model)), args_(args) {}

void ModelCheckpoints::prepare() const { throw_if_error(create_directories(args_.output_dir)); }

Checkpoint ModelCheckpoints::checkpoint(int64_t step) const {
  return {.directory = checkpoint_directory(args_.output_dir, step), .step = step};
}

bool ModelCheckpoints::exists(int64_t step) const { return std::filesystem::is_directory(checkpoint(step).directory); }

void ModelCheckpoints::save(const TrainerState& state) const {
  throw_if_error(write_directory(checkpoint(state.global_step).directory, [&](const std::string& directory) {
    absl::Status status = write_model(*model_, args_, directory);
    if (status.ok()) status = write_file(path_in(directory, kStateName), to_json(state));
    return status;
  }));
}

void ModelCheckpoints::rotate(const TrainerState& state) const {
  const std::optional<int64_t> best = checkpoint_step(state.best_model_checkpoint.value_or(""));
  throw_if_error(rotate_checkpoints(args_.output_dir, args_.save_total_limit, best));
}

void ModelCheckpoints::finish(const TrainerState& state) const {
  if (!state.best_model_checkpoint) return;
  if (args_.load_best_model_at_end) {
    const absl::StatusOr<StateDict> tensors = load_safetensors(path_in(*state.best_model_checkpoint, kWeightsName));
    throw_if_error(tensors.status());
    throw_if_error(load_state_dict(*model_, *tensors, /*strict=*/false));
  }
  if (args_.save_total_limit == 1) {
    throw_if_error(keep_only_checkpoint(args_.output_dir, *checkpoint_step(*state.best_model_checkpoint)));
  }
}

void ModelCheckpoints::save_model(const std::string& directory) const {
  throw_if_error(create_directories(directory));
  throw_if_error(write_model(*model_, args_, directory));
}

}  // namespace downbeat
