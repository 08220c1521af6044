#include "trainer/checkpoint/model_checkpoints.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/message.h"
#include "callbacks/vocabulary/throw_if_error.h"
#include "callbacks/vocabulary/training_arguments_json.h"
#include "trainer/checkpoint/directory.h"
#include "trainer/checkpoint/model_weights.h"
#include "trainer/checkpoint/random_state.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

void throw_if_error(const absl::Status& status, const std::string& file) {
  if (!status.ok()) throw std::runtime_error(absl::StrCat(file, ": ", std::string(status.message())));
}

// The step of a checkpoint that lies in output_dir; nothing for one that lies elsewhere.
std::optional<int64_t> step_in(const std::string& output_dir, const std::optional<std::string>& directory) {
  std::error_code ignored;
  if (!directory || !fs::equivalent(fs::path(*directory).parent_path(), output_dir, ignored)) return std::nullopt;
  return checkpoint_step(*directory);
}

// Something another attempt would not mend, but an older checkpoint may.
bool is_damage(const absl::Status& status) { return absl::IsDataLoss(status) || absl::IsNotFound(status); }

}  // namespace

ModelCheckpoints::ModelCheckpoints(std::shared_ptr<torch::nn::Module> model, const TrainingArguments& args,
                                   std::function<std::string()> config, ProcessGroup& group)
    : model_(std::move(model)), args_(args), config_(std::move(config)), group_(group) {}

ModelCheckpoints::~ModelCheckpoints() = default;  // that of a future of std::async waits

void ModelCheckpoints::prepare() const {
  if (!writes()) return;
  throw_if_error(create_directories(args_.output_dir));
  throw_if_error(clean_up_checkpoints(args_.output_dir));
}

// --- Saving ---

Checkpoint ModelCheckpoints::checkpoint(int64_t step) const {
  return {.directory = checkpoint_directory(args_.output_dir, step), .step = step};
}

bool ModelCheckpoints::exists(int64_t step) {
  return group_.broadcast_text(fs::is_directory(checkpoint(step).directory) ? "yes" : "") == "yes";
}

CheckpointFiles ModelCheckpoints::files_of_model() const {
  CheckpointFiles files;
  files.weights = state_dict(*model_);
  files.arguments = to_json(args_) + "\n";
  files.config = config_();
  return files;
}

absl::Status ModelCheckpoints::write(const CheckpointFiles& files) const {
  const absl::Status status =
      write_directory(checkpoint(files.state.global_step).directory,
                      [&](const std::string& directory) { return write_checkpoint(files, directory); });
  if (!status.ok()) return status;
  return rotate_checkpoints(args_.output_dir, args_.save_total_limit,
                            step_in(args_.output_dir, files.state.best_model_checkpoint));
}

void ModelCheckpoints::save(const TrainerState& state, const Optimizer& optimizer, const LRScheduler& lr_scheduler) {
  std::vector<PythonValue> states_of_ranks;
  if (!args_.save_only_model) states_of_ranks = random_states(group_);
  if (writes()) {
    CheckpointFiles files = files_of_model();
    files.state = state;
    files.random_states = std::move(states_of_ranks);
    if (!args_.save_only_model) {
      files.optimizer = optimizer.state_dict();
      files.lr_scheduler = lr_scheduler.state_dict();
    }
    write_or_begin_to(std::move(files));
  }
  writing_checkpoint_ = checkpoint(state.global_step);
}

void ModelCheckpoints::write_or_begin_to(CheckpointFiles files) {
  if (writing_.valid()) throw_if_error(writing_.get());
  if (args_.async_save) {
    writing_ = std::async(std::launch::async, [this, own = with_own_tensors(std::move(files))] { return write(own); });
  } else {
    throw_if_error(write(files));
  }
}

std::optional<Checkpoint> ModelCheckpoints::take_saved(bool wait) {
  if (!writing_checkpoint_) return std::nullopt;
  if (args_.async_save && !wait) {
    if (group_.is_distributed()) return std::nullopt;  // the others do not know whether it is complete
    if (writing_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return std::nullopt;
  }
  if (writing_.valid()) throw_if_error(writing_.get());
  group_.barrier(absl::StrCat("rank 0 to write ", writing_checkpoint_->directory));
  return std::exchange(writing_checkpoint_, std::nullopt);
}

void ModelCheckpoints::finish(const TrainerState& state) {
  const std::string best = group_.broadcast_text(state.best_model_checkpoint.value_or(""));
  if (best.empty()) return;
  if (args_.load_best_model_at_end) load_best(best);
  const std::optional<int64_t> step = step_in(args_.output_dir, best);
  if (args_.save_total_limit == 1 && step && writes()) {
    throw_if_error(keep_only_checkpoint(args_.output_dir, *step));
  }
}

void ModelCheckpoints::load_best(const std::string& directory) {
  if (writes()) {
    absl::StatusOr<StateDict> weights = load_weights(directory);
    throw_if_error(weights.status());
    throw_if_error(load_state_dict(*model_, *std::move(weights), /*strict=*/false), directory);
  }
  std::vector<at::Tensor> tensors;
  for (const auto& item : state_dict(*model_)) tensors.push_back(item.second);
  group_.broadcast(tensors, /*from=*/0, "the best model, which rank 0 reads");
}

void ModelCheckpoints::save_model(const std::string& directory) const {
  if (!writes()) return;
  throw_if_error(create_directories(directory));
  throw_if_error(write_model(files_of_model(), directory));
}

// --- Resuming ---

std::string ModelCheckpoints::to_resume(const std::string& resume_from_checkpoint) {
  read_.reset();  // what an earlier run that failed has left
  return group_.broadcast_text(writes() ? choose(resume_from_checkpoint) : "");
}

std::string ModelCheckpoints::choose(const std::string& resume_from_checkpoint) {
  if (const std::vector<int64_t> steps = steps_of_earlier_attempts(); !steps.empty()) {
    const std::string directory = newest_whole(steps);
    warn(absl::StrCat("torchrun has started the processes anew (restart ", group_.environment().restart_count,
                      "); they go on from ", directory));
    return directory;
  }
  if (resume_from_checkpoint.empty() || resume_from_checkpoint == "false") return "";
  const bool is_choice = resume_from_checkpoint == "true" || resume_from_checkpoint == "auto";
  if (!is_choice) return resume_from_checkpoint;
  throw_if_error(clean_up_checkpoints(args_.output_dir));
  const std::vector<int64_t> steps = list_checkpoints(args_.output_dir);
  if (steps.empty() && resume_from_checkpoint == "auto") return "";
  if (steps.empty()) {
    throw std::runtime_error(absl::StrCat("resume_from_checkpoint=true finds no checkpoint in ", args_.output_dir,
                                          "; auto begins anew where there is none"));
  }
  return newest_whole(steps);
}

// The store of torchrun outlives the processes. What lay in output_dir before the first attempt is noted there, so that
// a restart never goes on from the checkpoint of another training.
std::vector<int64_t> ModelCheckpoints::steps_of_earlier_attempts() {
  static std::atomic<int> runs = 0;  // of this process, which every attempt counts alike
  const std::string key = absl::StrCat("checkpoints before run ", ++runs);
  const auto note = [&](int64_t step) {
    std::error_code gone;  // then nobody goes on from it
    const auto written = fs::last_write_time(checkpoint(step).directory + "/trainer_state.json", gone);
    return absl::StrCat(step, " ", written.time_since_epoch().count(), "\n");
  };
  std::vector<int64_t> steps;
  if (!group_.is_distributed()) return steps;
  throw_if_error(clean_up_checkpoints(args_.output_dir));
  steps = list_checkpoints(args_.output_dir);
  std::string present = "\n";
  for (const int64_t step : steps) present += note(step);
  const std::string before = group_.first_set(key, present);
  const bool is_first_attempt = group_.environment().restart_count == 0;
  std::erase_if(steps, [&](int64_t step) { return is_first_attempt || absl::StrContains(before, "\n" + note(step)); });
  return steps;
}

std::string ModelCheckpoints::newest_whole(const std::vector<int64_t>& steps) {
  std::vector<int64_t> newest_first = steps;
  std::sort(newest_first.rbegin(), newest_first.rend());
  for (const int64_t step : newest_first) {
    const std::string directory = checkpoint(step).directory;
    absl::StatusOr<CheckpointFiles> files = read_checkpoint(directory, group_.rank(), group_.world_size());
    if (files.ok()) {
      read_ = *std::move(files);
      read_directory_ = directory;
      return directory;
    }
    if (!is_damage(files.status())) throw_if_error(files.status());
    warn(absl::StrCat(std::string(files.status().message()), "; it is passed over"));
  }
  throw std::runtime_error(absl::StrCat("every checkpoint in ", args_.output_dir, " is damaged"));
}

TrainerState ModelCheckpoints::read(const std::string& directory) {
  if (!read_ || read_directory_ != directory) {
    absl::StatusOr<CheckpointFiles> files = read_checkpoint(directory, group_.rank(), group_.world_size());
    if (absl::IsNotFound(files.status()) && !writes()) {
      throw std::runtime_error(absl::StrCat(std::string(files.status().message()), ", on the machine of rank ",
                                            group_.rank(),
                                            "; checkpoints have to be where all machines can read them"));
    }
    throw_if_error(files.status());
    read_ = *std::move(files);
    read_directory_ = directory;
  }
  return read_->state;
}

void ModelCheckpoints::restore(Optimizer& optimizer, LRScheduler& lr_scheduler) {
  const auto file = [&](const char* name) { return (fs::path(read_directory_) / name).string(); };
  const std::string weights = weights_file(read_directory_);
  throw_if_error(check_state_dict(*model_, read_->weights, /*strict=*/true), weights);
  if (read_->optimizer && read_->lr_scheduler) {
    throw_if_error(optimizer.load_state_dict(*read_->optimizer), file("optimizer.pt"));
    throw_if_error(lr_scheduler.load_state_dict(*read_->lr_scheduler), file("scheduler.pt"));
    read_->optimizer.reset();
    read_->lr_scheduler.reset();
  }
  throw_if_error(load_state_dict(*model_, std::move(read_->weights), /*strict=*/true), weights);
}

void ModelCheckpoints::restore_random_state() {
  if (!read_) return;
  if (!read_->random_states.empty()) {
    throw_if_error(set_random_state(read_->random_states.front()),
                   random_state_file(read_directory_, group_.rank(), group_.world_size()));
  }
  read_.reset();
}

}  // namespace downbeat
