// ModelCheckpoints: the checkpoints of one run: written, rotated, found again and loaded.
//
// Throws std::runtime_error with one sentence that names the file; the last good checkpoint is whole in any case.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "callbacks/vocabulary/checkpoint.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"
#include "trainer/checkpoint/checkpoint_files.h"
#include "trainer/optim/lr_scheduler.h"
#include "trainer/optim/optimizer.h"

namespace torch::nn {
class Module;
}

namespace downbeat {

class ModelCheckpoints {
 public:
  // `args` are kept as a reference. `config` gives what is written to config.json; nothing where it is empty.
  ModelCheckpoints(std::shared_ptr<torch::nn::Module> model, const TrainingArguments& args,
                   std::function<std::string()> config);
  ~ModelCheckpoints();  // waits for what is being written
  ModelCheckpoints(const ModelCheckpoints&) = delete;
  ModelCheckpoints& operator=(const ModelCheckpoints&) = delete;

  // Creates output_dir, so that a run that could never save does not begin; and puts in order what a killed one left.
  void prepare() const;

  // --- Saving ---

  Checkpoint checkpoint(int64_t step) const;
  bool exists(int64_t step) const;

  // Writes that of state.global_step and deletes old ones by save_total_limit; the newest and the best stay. With
  // async_save the tensors are copied here and written by a thread of its own.
  void save(const TrainerState& state, const Optimizer& optimizer, const LRScheduler& lr_scheduler);
  // The one that is complete on disk since this was last asked. With `wait` one that is still being written, too.
  std::optional<Checkpoint> take_saved(bool wait);

  // The end of a run: loads the best model where load_best_model_at_end asks, and deletes all others where the limit
  // is 1.
  void finish(const TrainerState& state);

  // The weights, arguments and configuration alone.
  void save_model(const std::string& directory) const;

  // --- Resuming ---

  // The directory that resume_from_checkpoint means: itself; for true and auto the newest in output_dir that is not
  // damaged; empty for false, and for auto where there is none.
  std::string to_resume(const std::string& resume_from_checkpoint);

  // Reads all of it, and gives the state of its run.
  TrainerState read(const std::string& directory);
  // Loads the weights, and the states of optimizer and schedule, from what was read. What does not fit is an error
  // before anything of the model is changed.
  void restore(Optimizer& optimizer, LRScheduler& lr_scheduler);
  void restore_random_state();

 private:
  CheckpointFiles files_of_model() const;
  absl::Status write(const CheckpointFiles& files) const;

  std::shared_ptr<torch::nn::Module> model_;
  const TrainingArguments& args_;
  std::function<std::string()> config_;

  std::optional<Checkpoint> saved_;  // that nobody has asked for
  Checkpoint writing_checkpoint_;
  std::future<absl::Status> writing_;

  std::string read_directory_;
  std::optional<CheckpointFiles> read_;
};

}  // namespace downbeat
