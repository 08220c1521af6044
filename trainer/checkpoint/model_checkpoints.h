// ModelCheckpoints: the checkpoints of one run: written, rotated, found again and loaded.
//
// Throws std::runtime_error with one sentence that names the file; the last good checkpoint is whole in any case.
//
// Of several processes rank 0 writes, rotates and chooses; all read. Every function below that is no const one is to be
// called by all ranks, as it waits for the others.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "callbacks/vocabulary/checkpoint.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"
#include "trainer/checkpoint/checkpoint_files.h"
#include "trainer/distributed/process_group.h"
#include "trainer/optim/lr_scheduler.h"
#include "trainer/optim/optimizer.h"

namespace torch::nn {
class Module;
}

namespace downbeat {

class ModelCheckpoints {
 public:
  // `args` and `group` are kept as references. `config` gives what is written to config.json; nothing where it is
  // empty.
  ModelCheckpoints(std::shared_ptr<torch::nn::Module> model, const TrainingArguments& args,
                   std::function<std::string()> config, ProcessGroup& group);
  ~ModelCheckpoints();  // waits for what is being written
  ModelCheckpoints(const ModelCheckpoints&) = delete;
  ModelCheckpoints& operator=(const ModelCheckpoints&) = delete;

  // Creates output_dir, so that a run that could never save does not begin; and puts in order what a killed one left.
  void prepare() const;

  // --- Saving ---

  Checkpoint checkpoint(int64_t step) const;
  bool exists(int64_t step);

  // Writes that of state.global_step and deletes old ones by save_total_limit; the newest and the best stay. With
  // async_save the tensors are copied here and written by a thread of its own.
  void save(const TrainerState& state, const Optimizer& optimizer, const LRScheduler& lr_scheduler);
  // The one that is complete on disk since this was last asked. With `wait` one that is still being written, too;
  // several processes learn of that one only so.
  std::optional<Checkpoint> take_saved(bool wait);

  // The end of a run: loads the best model where load_best_model_at_end asks, and deletes all others where the limit
  // is 1.
  void finish(const TrainerState& state);

  // The weights, arguments and configuration alone.
  void save_model(const std::string& directory) const;

  // --- Resuming ---

  // The directory that resume_from_checkpoint means: itself; for true and auto the newest in output_dir that is not
  // damaged; empty for false, and for auto where there is none. Where torchrun has started the processes anew it is the
  // newest one that they have written before, whatever is asked for, if there is one.
  std::string to_resume(const std::string& resume_from_checkpoint);

  // Reads all of it, and gives the state of its run.
  TrainerState read(const std::string& directory);
  // Loads the weights, and the states of optimizer and schedule, from what was read. What does not fit is an error
  // before anything of the model is changed.
  void restore(Optimizer& optimizer, LRScheduler& lr_scheduler);
  void restore_random_state();

 private:
  bool writes() const { return group_.rank() == 0; }
  CheckpointFiles files_of_model() const;
  absl::Status write(const CheckpointFiles& files) const;
  void write_or_begin_to(CheckpointFiles files);
  void load_best(const std::string& directory);
  std::string choose(const std::string& resume_from_checkpoint);
  std::vector<int64_t> steps_of_earlier_attempts();
  std::string newest_whole(const std::vector<int64_t>& steps);

  std::shared_ptr<torch::nn::Module> model_;
  const TrainingArguments& args_;
  std::function<std::string()> config_;
  ProcessGroup& group_;

  std::optional<Checkpoint> writing_checkpoint_;  // or written, and nobody has asked for it
  std::future<absl::Status> writing_;

  std::string read_directory_;
  std::optional<CheckpointFiles> read_;
};

}  // namespace downbeat
