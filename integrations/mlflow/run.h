// MLflowRun: what MLflowCallback and AzureMLCallback write about one run, on a thread of its own.
//
// Implementation of mlflow.h and of azureml.h. All functions are for the thread that trains, and none of them waits for
// the disk or the network but drain() and the destructor.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "callbacks/vocabulary/logs.h"
#include "callbacks/vocabulary/model_description.h"
#include "callbacks/vocabulary/run_end.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"
#include "integrations/mlflow/destination.h"
#include "integrations/mlflow/entry.h"
#include "integrations/mlflow/metric_batch.h"
#include "integrations/mlflow/settings.h"
#include "integrations/mlflow/spooled_run.h"
#include "integrations/support/background_writer.h"

namespace downbeat {

struct MLflowRunOptions {
  std::string tracker = "MLflow";                       // for warnings
  std::string name = "mlflow";                          // of the directory and of what checkpoints note
  std::string uri = {};                                 // of the destination; without user info
  bool owns_given_run = true;                           // say RUNNING and FINISHED of a run that exists already
  std::string artifact_directory = {};                  // copy checkpoints there; empty: they go to the destination
  std::unique_ptr<MLflowDestination> destination = {};  // null: everything stays in the spool
};

class MLflowRun {
 public:
  // `resumed_from`: a checkpoint's directory, or empty. Notes arguments and the configuration of `model`, which may be
  // null.
  MLflowRun(MLflowRunOptions options, MLflowSettings settings, const TrainingArguments& args,
            const ModelDescription* model, const std::string& resumed_from);
  ~MLflowRun();  // sends what is left, for a while
  MLflowRun(const MLflowRun&) = delete;
  MLflowRun& operator=(const MLflowRun&) = delete;

  void log(const TrainerState& state, const Logs& logs) { writer_.log(state, logs); }
  void save(const std::string& checkpoint_directory);
  void end(const RunEnd& end);
  bool has_ended() const { return has_ended_; }
  void drain() { writer_.drain(); }

 private:
  MLflowRunStart start_of(const TrainingArguments& args, const std::string& resumed_from) const;

  // --- On the thread that writes ---
  void add(const nlohmann::json& entry, int64_t values) { run_.add(entry, values); }
  void flush();
  void note_in(const std::string& checkpoint_directory);
  void add_artifacts(const std::string& checkpoint_directory);

  MLflowRunOptions options_;
  const MLflowSettings settings_;
  const MLflowRunStart start_;
  bool has_ended_ = false;
  MetricBatch metrics_;
  SpooledRun run_;
  BackgroundWriter writer_;  // last: its thread uses the others
};

}  // namespace downbeat
