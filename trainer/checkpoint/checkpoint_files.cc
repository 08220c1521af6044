#include "trainer/checkpoint/checkpoint_files.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/message.h"
#include "callbacks/vocabulary/trainer_state_json.h"
#include "trainer/checkpoint/directory.h"
#include "trainer/checkpoint/model_weights.h"
#include "trainer/torch_file/torch_file.h"

namespace downbeat {
namespace {

constexpr char kOptimizerName[] = "optimizer.pt";
constexpr char kSchedulerName[] = "scheduler.pt";
constexpr char kStateName[] = "trainer_state.json";
constexpr char kArgumentsName[] = "training_args.json";
constexpr char kConfigName[] = "config.json";
// HuggingFace writes in place; where it saves on a signal this file is there until everything else is.
constexpr char kUnfinishedName[] = "checkpoint-is-incomplete.txt";

std::string path_in(const std::string& directory, const char* name) {
  return (std::filesystem::path(directory) / name).string();
}

bool is_file(const std::string& path) { return std::filesystem::is_regular_file(path); }

// --- Reading ---

absl::Status check_directory(const std::string& directory) {
  if (!std::filesystem::is_directory(directory)) {
    return absl::NotFoundError(absl::StrCat("there is no checkpoint ", directory));
  }
  if (std::filesystem::exists(path_in(directory, kUnfinishedName))) {
    return absl::DataLossError(absl::StrCat(directory, " is not complete: it has a ", kUnfinishedName));
  }
  return absl::OkStatus();
}

absl::Status read_state(const std::string& directory, TrainerState& state) {
  const std::string path = path_in(directory, kStateName);
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
  const std::string text(std::istreambuf_iterator<char>(file), {});
  absl::StatusOr<TrainerState> read = trainer_state_from_json(text);
  if (!read.ok()) {
    return absl::DataLossError(absl::StrCat(path, " is damaged: ", std::string(read.status().message())));
  }
  state = *std::move(read);
  return absl::OkStatus();
}

absl::Status read_weights(const std::string& directory, StateDict& weights) {
  absl::StatusOr<StateDict> read = load_weights(directory);
  if (read.ok()) weights = *std::move(read);
  return read.status();
}

absl::Status read_if_there(const std::string& path, std::optional<PythonValue>& value) {
  if (!is_file(path)) return absl::OkStatus();
  absl::StatusOr<PythonValue> read = load_torch_file(path);
  if (read.ok()) value = *std::move(read);
  return read.status();
}

// As in HuggingFace, one without the other is not used; but that is said.
absl::Status read_optimizer(const std::string& directory, CheckpointFiles& files) {
  const std::string optimizer = path_in(directory, kOptimizerName), scheduler = path_in(directory, kSchedulerName);
  for (const std::string& path : {optimizer, scheduler}) {
    if (is_file(path)) continue;
    warn(absl::StrCat("there is no ", path, ": optimizer and schedule begin anew"));
    return absl::OkStatus();
  }
  absl::Status status = read_if_there(optimizer, files.optimizer);
  if (status.ok()) status = read_if_there(scheduler, files.lr_scheduler);
  return status;
}

absl::Status read_random_state(const std::string& path, CheckpointFiles& files) {
  if (!is_file(path)) info(absl::StrCat("there is no ", path, ": what is random goes on with other numbers"));
  std::optional<PythonValue> state;
  const absl::Status status = read_if_there(path, state);
  if (state) files.random_states = {*std::move(state)};
  return status;
}

// --- Writing ---

absl::Status write_if_there(const std::optional<PythonValue>& value, const std::string& path) {
  return value ? save_torch_file(*value, path) : absl::OkStatus();
}

absl::Status write_random_states(const std::vector<PythonValue>& states, const std::string& directory) {
  const auto ranks = static_cast<int>(states.size());
  absl::Status status;
  for (int rank = 0; rank < ranks && status.ok(); ++rank) {
    const std::string path = random_state_file(directory, rank, ranks);
    status = save_torch_file(states[static_cast<std::size_t>(rank)], path);
  }
  return status;
}

PythonValue copied(const PythonValue& value);

PythonList copied(const PythonList& list) {
  PythonList copies;
  for (const PythonValue& item : list) copies.push_back(copied(item));
  return copies;
}

PythonValue copied(const PythonValue& value) {
  if (const auto* tensor = std::get_if<at::Tensor>(&value)) return tensor->detach().cpu().clone();
  if (const auto* list = std::get_if<PythonList>(&value)) return copied(*list);
  if (const auto* tuple = std::get_if<PythonTuple>(&value)) return PythonTuple{copied(tuple->items)};
  if (const auto* dict = std::get_if<PythonDict>(&value)) {
    PythonDict copy = *dict;
    for (auto& item : copy.items()) item.second = copied(item.second);
    return copy;
  }
  return value;
}

}  // namespace

std::string random_state_file(const std::string& directory, int rank, int world_size) {
  return path_in(directory, world_size == 1 ? "rng_state.pth" : absl::StrCat("rng_state_", rank, ".pth").c_str());
}

absl::StatusOr<CheckpointFiles> read_checkpoint(const std::string& directory, int rank, int world_size) {
  CheckpointFiles files;
  absl::Status status = check_directory(directory);
  if (status.ok()) status = read_state(directory, files.state);
  if (status.ok()) status = read_weights(directory, files.weights);
  if (status.ok()) status = read_optimizer(directory, files);
  if (status.ok()) status = read_random_state(random_state_file(directory, rank, world_size), files);
  if (!status.ok()) return status;
  return files;
}

absl::Status write_model(const CheckpointFiles& files, const std::string& directory) {
  absl::Status status = save_weights(files.weights, directory);
  if (status.ok()) status = write_file(path_in(directory, kArgumentsName), files.arguments);
  if (status.ok() && !files.config.empty()) status = write_file(path_in(directory, kConfigName), files.config);
  return status;
}

absl::Status write_checkpoint(const CheckpointFiles& files, const std::string& directory) {
  absl::Status status = write_model(files, directory);
  if (status.ok()) status = write_if_there(files.optimizer, path_in(directory, kOptimizerName));
  if (status.ok()) status = write_if_there(files.lr_scheduler, path_in(directory, kSchedulerName));
  if (status.ok()) status = write_random_states(files.random_states, directory);
  if (status.ok()) status = write_file(path_in(directory, kStateName), to_json(files.state));
  return status;
}

CheckpointFiles with_own_tensors(CheckpointFiles files) {
  const std::map<std::string, std::string> tied = tied_names(files.weights);
  for (auto& [name, tensor] : files.weights) {
    if (tied.count(name) == 0) tensor = tensor.detach().cpu().clone();
  }
  for (const auto& [name, kept] : tied) files.weights.at(name) = files.weights.at(kept);
  for (auto* value : {&files.optimizer, &files.lr_scheduler}) {
    if (*value) *value = copied(**value);
  }
  files.random_states = copied(files.random_states);
  return files;
}

}  // namespace downbeat
