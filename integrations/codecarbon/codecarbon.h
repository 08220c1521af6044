// CodeCarbonCallback: how much energy training used and how much CO2e that stands for, one row a run in
// <output_dir>/emissions.csv, as the Python package codecarbon 3.3.2 writes it.
//
//   Callbacks(CodeCarbonCallback({.country_iso_code = "FRA"}))
//
// Begun when training begins and ended when it ends, on the first process of each machine (local_zero). Energy is the
// processor's counter (RAPL) where this user may read it, NVIDIA's counter for GPUs, and otherwise estimated from the
// load, as codecarbon does. Nothing is ever asked of a network: the country comes from the options, the environment or
// .codecarbon.config; without one the world's average is taken, with a warning. See options.h.
//
// The row is written at the end, so that a killed run leaves none. With on_csv_write=update it is also written with
// each checkpoint, in place of the one before: then a killed run leaves what it had used until its last checkpoint.
//
// Not here: AMD's GPUs, which have no counter that is read; what one's own code wants to know of its energy while it
// runs.
#pragma once

#include <memory>
#include <string_view>

#include "callbacks/vocabulary/runs_on.h"
#include "callbacks/vocabulary/training_arguments.h"
#include "integrations/codecarbon/options.h"

namespace downbeat {

class CodeCarbonCallback {
 public:
  static constexpr std::string_view report_to_name = "codecarbon";
  static constexpr RunsOn runs_on = RunsOn::local_zero;

  explicit CodeCarbonCallback(CodeCarbonOptions options = {});
  ~CodeCarbonCallback();  // ends what train_end did not
  CodeCarbonCallback(CodeCarbonCallback&&) noexcept;
  CodeCarbonCallback& operator=(CodeCarbonCallback&&) noexcept;

  // Throws std::invalid_argument for a setting that makes no sense.
  void on_init_end(const TrainingArguments& args);
  void on_train_begin(const TrainingArguments& args);
  void on_save();
  void on_train_end();

 private:
  struct Run;

  CodeCarbonOptions options_;
  std::unique_ptr<Run> run_;  // from train_begin to train_end
};

}  // namespace downbeat
