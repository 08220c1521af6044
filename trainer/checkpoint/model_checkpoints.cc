#include "trainer/checkpoint/model_checkpoints.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
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
                                   std::function<std::string()> config)
    : model_(std::move(model)), args_(args), config_(std::move(config)) {}

ModelCheckpoints::~ModelCheckpoints() = default;  // that of a future of std::async waits

void ModelCheckpoints::prepare() const {
  throw_if_error(create_directories(args_.output_dir));
  throw_if_error(clean_up_checkpoints(args_.output_dir));
}

// --- Saving ---

Checkpoint ModelCheckpoints::checkpoint(int64_t step) const {
  return {.directory = checkpoint_directory(args_.output_dir, step), .step = step};
}

bool ModelCheckpoints::exists(int64_t step) const { return fs::is_directory(checkpoint(step).directory); }

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
  CheckpointFiles files = files_of_model();
  files.state = state;
  if (!args_.save_only_model) {
    files.optimizer = optimizer.state_dict();
    files.lr_scheduler = lr_scheduler.state_dict();
    files.random_state = random_state();
  }
  if (writing_.valid()) throw_if_error(writing_.get());
  if (args_.async_save) {
    writing_checkpoint_ = checkpoint(state.global_step);
    writing_ = std::async(std::launch::async, [this, own = with_own_tensors(std::move(files))] { return write(own); });
  } else {
    throw_if_error(write(files));
    saved_ = checkpoint(state.global_step);
  }
}

std::optional<Checkpoint> ModelCheckpoints::take_saved(bool wait) {
  if (writing_.valid() && (wait || writing_.wait_for(std::chrono::seconds(0)) == std::future_status::ready)) {
    throw_if_error(writing_.get());
    saved_ = writing_checkpoint_;
  }
  return std::exchange(saved_, std::nullopt);
}

void ModelCheckpoints::finish(const TrainerState& state) {
  if (!state.best_model_checkpoint) return;
  if (args_.load_best_model_at_end) {
    const std::string& directory = *state.best_model_checkpoint;
    absl::StatusOr<StateDict> weights = load_weights(directory);
    throw_if_error(weights.status());
    throw_if_error(load_state_dict(*model_, *std::move(weights), /*strict=*/false), directory);
  }
  const std::optional<int64_t> best = step_in(args_.output_dir, state.best_model_checkpoint);
  if (args_.save_total_limit == 1 && best) throw_if_error(keep_only_checkpoint(args_.output_dir, *best));
}

void ModelCheckpoints::save_model(const std::string& directory) const {
  throw_if_error(create_directories(directory));
  throw_if_error(write_model(files_of_model(), directory));
}

// --- Resuming ---

std::string ModelCheckpoints::to_resume(const std::string& resume_from_checkpoint) {
  read_.reset();  // what an earlier run that failed has left
  if (resume_from_checkpoint.empty() || resume_from_checkpoint == "false") return "";
  const bool is_choice = resume_from_checkpoint == "true" || resume_from_checkpoint == "auto";
  if (!is_choice) return resume_from_checkpoint;
  throw_if_error(clean_up_checkpoints(args_.output_dir));
  std::vector<int64_t> steps = list_checkpoints(args_.output_dir);
  std::sort(steps.rbegin(), steps.rend());
  if (steps.empty() && resume_from_checkpoint == "auto") return "";
  if (steps.empty()) {
    throw std::runtime_error(absl::StrCat("resume_from_checkpoint=true finds no checkpoint in ", args_.output_dir,
                                          "; auto begins anew where there is none"));
  }
  for (const int64_t step : steps) {
    const std::string directory = checkpoint(step).directory;
    absl::StatusOr<CheckpointFiles> files = read_checkpoint(directory);
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
    absl::StatusOr<CheckpointFiles> files = read_checkpoint(directory);
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
  if (read_->random_state) {
    throw_if_error(set_random_state(*read_->random_state), (fs::path(read_directory_) / "rng_state.pth").string());
  }
  read_.reset();
}

}  // namespace downbeat
