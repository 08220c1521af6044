// ModelCheckpoints: the checkpoints of one run, in HuggingFace's layout: what is written, which are kept, which is
// loaded.
//
// Throws std::runtime_error with one sentence that names the file; the last good checkpoint is whole in any case.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "callbacks/vocabulary/checkpoint.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"

namespace torch::nn {
class Module;
}

namespace downbeat {

class ModelCheckpoints {
 public:
  // `args` are kept as a reference.
  ModelCheckpoints(std::shared_ptr<torch::nn::Module> model, const TrainingArguments& args);

  // Creates output_dir, so that a run that could never save does not begin.
  void prepare() const;

  Checkpoint checkpoint(int64_t step) const;
  bool exists(int64_t step) const;

  // model.safetensors, training_args.json and trainer_state.json of state.global_step.
  void save(const TrainerState& state) const;
  // By save_total_limit; the newest and the best stay.
  void rotate(const TrainerState& state) const;
  // The end of a run: loads the best model where load_best_model_at_end asks, and deletes all others where the limit
  // is 1.
  void finish(const TrainerState& state) const;

  // The weights and arguments alone.
  void save_model(const std::string& directory) const;

 private:
  std::shared_ptr<torch::nn::Module> model_;
  const TrainingArguments& args_;
};

}  // namespace downbeat
