// TensorBoardCallback: writes what is logged as TensorBoard's event files, to be seen with `tensorboard --logdir DIR`.
//
//   downbeat::Callbacks(downbeat::TensorBoardCallback(), MyCallback{});
//   downbeat::Callbacks(downbeat::TensorBoardCallback({.log_dir = "runs/a", .histogram_steps = 100}));
//
// As HuggingFace's: the directory, the names (train/loss, eval/loss), one point a number, text as text, and the texts
// `args` and `model_config`. Besides: the page of hyperparameters, and histograms where they are asked for. A training
// that is resumed goes on in the directory of its checkpoint, unless --report_to_new_run; points that were logged after
// that checkpoint are void. Training never waits for the disk and never ends because of it. What is logged is in the
// file 200 ms later. The first process of a run writes (world_zero).
//
// For the numbers on the terminal see callbacks/printer.h, for a server that several people write to
// integrations/mlflow.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "callbacks/vocabulary/checkpoint.h"
#include "callbacks/vocabulary/logs.h"
#include "callbacks/vocabulary/model_description.h"
#include "callbacks/vocabulary/run_end.h"
#include "callbacks/vocabulary/runs_on.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"
#include "integrations/support/run_parameters.h"

namespace downbeat {

class TensorBoardRun;

struct TensorBoardOptions {
  // Of one run. Empty: TENSORBOARD_LOGGING_DIR, else that of the checkpoint a training is resumed from, else
  // <output_dir>/runs/<MonDD_HH-MM-SS>_<hostname>.
  std::string log_dir = {};

  // The arguments and the model's configuration on the page that compares runs by them.
  bool log_hparams = true;

  // Histograms of all parameters (`parameters/<name>`) and of their gradients before clipping (`gradients/<name>`)
  // every so many steps; 0: none. They are copied to the CPU by the thread that trains, which waits for it, so choose
  // it in the hundreds. Needs a model: Trainer's, or the ModelDescription that a loop of one's own passes.
  int64_t histogram_steps = 0;

  // A new file is begun in the same directory when one has as many bytes; 0: never.
  int64_t max_file_bytes = 0;
};

class TensorBoardCallback {
 public:
  static constexpr std::string_view report_to_name = "tensorboard";
  static constexpr RunsOn runs_on = RunsOn::world_zero;

  explicit TensorBoardCallback(TensorBoardOptions options = {});
  ~TensorBoardCallback();  // writes what is left
  TensorBoardCallback(TensorBoardCallback&&) noexcept;
  TensorBoardCallback& operator=(TensorBoardCallback&&) noexcept;

  // Throws std::invalid_argument for options that cannot be meant.
  void on_init_end(const TrainingArguments& args);
  void on_load_checkpoint(const TrainingArguments& args, const Checkpoint& checkpoint);
  void on_train_begin(auto& event) { begin(event.args(), event.state(), model_in(event)); }
  void on_gradients_ready(auto& event) { add_gradients(event.args(), event.state(), model_in(event)); }
  void on_step_end(auto& event) { add_parameters(event.args(), event.state(), model_in(event)); }
  void on_log(const TrainingArguments& args, const TrainerState& state, const Logs& logs);
  void on_save(const TrainingArguments& args, const Checkpoint& checkpoint);
  void on_train_end(const RunEnd& end);

 private:
  TensorBoardRun& run(const TrainingArguments& args);
  void begin(const TrainingArguments& args, const TrainerState& state, const ModelDescription* model);
  void add_gradients(const TrainingArguments& args, const TrainerState& state, const ModelDescription* model);
  void add_parameters(const TrainingArguments& args, const TrainerState& state, const ModelDescription* model);
  bool has_histograms_at(int64_t step, const ModelDescription* model) const;

  TensorBoardOptions options_;
  std::unique_ptr<TensorBoardRun> run_;  // from the first event that has something to write
};

}  // namespace downbeat
