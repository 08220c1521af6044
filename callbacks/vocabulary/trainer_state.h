// TrainerState: where the run is. Only the loop writes it; hooks see it read-only; it is saved as trainer_state.json.
//
//   TrainingArguments args{.max_steps = 1000, .logging_steps = 50};
//   TrainerState state(args);             // in a loop of one's own
//   ++state.global_step;
//
// Field names and meaning are HuggingFace's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "callbacks/vocabulary/callback_state.h"
#include "callbacks/vocabulary/logs.h"
#include "callbacks/vocabulary/training_arguments.h"

namespace downbeat {

struct TrainerState {
  TrainerState() = default;

  // For a loop of one's own: max_steps and the intervals are taken from `args`. A negative max_steps means no limit.
  explicit TrainerState(const TrainingArguments& args);

  // Logging, evaluation and saving intervals in steps; those below 1 are shares of max_steps.
  void resolve_intervals(const TrainingArguments& args);

  double epoch = 0;         // in epochs, with a fraction: 1.5 is half-way through the second
  int64_t global_step = 0;  // optimizer steps done
  int64_t max_steps = 0;    // optimizer steps planned
  int64_t logging_steps = 500;
  int64_t eval_steps = 500;
  int64_t save_steps = 500;
  std::optional<int64_t> train_batch_size;  // per process
  int64_t num_train_epochs = 0;             // planned, rounded up
  int64_t num_input_tokens_seen = 0;
  double total_flos = 0;
  std::vector<Logs> log_history;  // every logged line and its "step"
  std::optional<double> best_metric;
  std::optional<int64_t> best_global_step;
  std::optional<std::string> best_model_checkpoint;  // directory
  bool is_local_process_zero = true;
  bool is_world_process_zero = true;
  CallbackStates stateful_callbacks;
};

}  // namespace downbeat
