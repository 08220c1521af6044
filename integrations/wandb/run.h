// WandbRun: one run as an offline directory, and its upload while it grows. Implementation of wandb.h.
//
// The thread that trains calls the public functions; what they hand over is written on the BackgroundWriter's thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "callbacks/vocabulary/checkpoint.h"
#include "callbacks/vocabulary/logs.h"
#include "callbacks/vocabulary/model_description.h"
#include "callbacks/vocabulary/run_end.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"
#include "integrations/support/background_writer.h"
#include "integrations/support/log_record.h"
#include "integrations/wandb/histogram.h"
#include "integrations/wandb/host_description.h"
#include "integrations/wandb/live_sync.h"
#include "integrations/wandb/record.h"
#include "integrations/wandb/record_file.h"
#include "integrations/wandb/settings.h"
#include "integrations/wandb/staging.h"

namespace downbeat {

// Which run goes on, and behind which row.
struct WandbIdentity {
  std::string run_id;
  bool resumes = false;  // there may be earlier parts of it
  int64_t next_step = 0;
  double runtime = 0;          // s, before this part
  std::string directory = {};  // of the part before, where it is known
};

// From the settings, else from the checkpoint, else a new one. Throws std::invalid_argument for WANDB_RESUME=must
// without an id.
WandbIdentity identity_of_run(const WandbSettings& settings, const std::string& checkpoint_directory);

class WandbRun {
 public:
  WandbRun(WandbSettings settings, WandbIdentity identity, const TrainingArguments& args,
           const ModelDescription* model);
  ~WandbRun();  // ends the run, waits for its upload
  WandbRun(const WandbRun&) = delete;
  WandbRun& operator=(const WandbRun&) = delete;

  void log(const TrainerState& state, const Logs& logs) { writer_.log(state, logs); }
  void predicted(const TrainerState& state, const Metrics& metrics) { writer_.predicted(state, metrics); }
  void watch(const TrainerState& state, const ModelDescription& model);
  void save(const TrainerState& state, const Checkpoint& checkpoint);
  void end(const TrainingArguments& args, const TrainerState& state, const RunEnd& end);

 private:
  using Histograms = std::vector<std::pair<std::string, WatchedHistogram>>;

  // --- The thread that trains ---
  void keep_final_model(const TrainingArguments& args, const TrainerState& state);
  std::string next_artifact_directory();

  // --- The thread that writes ---
  void begin(const WandbItems& config);
  void begin_upload();
  void write(const LogRecord& record);
  void add_histograms(WandbItems& row);
  void remember(const WandbItems& summary);
  void write_stats(int64_t time_us);
  bool append(const std::vector<std::string>& records, int64_t values);
  void log_artifact(const StagedFiles& files, nlohmann::ordered_json metadata, std::vector<std::string> aliases);
  nlohmann::ordered_json numbers_of_summary() const;
  void finish();
  void say_how_it_ended();
  double runtime_at(int64_t time_us) const;

  const WandbSettings settings_;
  WandbIdentity identity_;
  const int64_t start_us_;
  const std::string directory_;
  const std::string sync_command_;
  std::optional<int64_t> num_parameters_;

  Checkpoint last_checkpoint_;  // of the thread that trains, as the next one
  int64_t artifacts_ = 0;

  WandbRunDescription description_;  // of the thread that writes, as all that follows
  RecordFile file_;
  bool is_upload_begun_ = false;
  std::unique_ptr<LiveSync> live_;
  std::map<std::vector<std::string>, std::string> summary_;  // JSON of the last values
  Histograms histograms_;                                    // for the next row
  int64_t watched_step_ = 0;
  ProcessStats stats_;
  int64_t next_stats_us_ = 0;
  int exit_code_ = 0;
  BackgroundWriter writer_;  // last: its thread uses the others
};

}  // namespace downbeat
