// CometRunDirectory: a run of Comet on the disk: a directory that grows line by line while the run goes on, and an
// archive for `comet upload` at its end.
//
//   .cometml-runs/<key>/experiment.json  messages.jsonl  assets/1 ...     while the run goes on
//   .cometml-runs/<key>.zip              experiment.json  messages.json  assets/1 ...
//
// messages.jsonl is a Spool: whoever sends its lines to the service acknowledges them there, and it is locked as long
// as the program lives. That is how the next program knows what a killed one has left, and zips it. The lines are
// called messages.json in the archive only, so that an unpacked archive is not taken for such a directory.
//
// append(), add_asset() and write_experiment() are for the writing thread.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "integrations/support/spool.h"

namespace downbeat {

struct CometExperiment {
  std::string key;
  std::string workspace = {};              // empty: the service chooses
  std::string project_name = {};           // empty: the service chooses
  std::string resume_strategy = "create";  // create, get, get_or_create: what `comet upload` does about the experiment
  int64_t start_ms = 0;
};

class CometRunDirectory {
 public:
  CometRunDirectory(std::string offline_directory, CometExperiment experiment);

  bool append(const nlohmann::ordered_json& message, int64_t values = 0);

  // Keeps the file as it is now (a link where the file system allows, else a copy) and appends its message.
  absl::Status add_asset(const std::string& path, const std::string& name, int64_t step, int64_t time_ms);

  void write_experiment();  // where it is not there yet

  // The service may choose the key of an experiment. From any thread.
  void set_key(const std::string& key);
  std::string key() const;

  Spool& spool() { return *spool_; }
  const std::string& path() const { return path_; }
  const CometExperiment& experiment() const { return experiment_; }  // when the other threads are done

  // Both end the run; the directory is gone after success.
  absl::StatusOr<std::string> zip(int64_t stop_ms);  // the archive's path; empty: nothing was kept
  void remove();

 private:
  absl::Status write_experiment(int64_t stop_ms) const;

  const std::string offline_directory_;
  const std::string path_;
  mutable std::mutex mutex_;
  CometExperiment experiment_;
  bool has_experiment_file_ = false;
  int64_t assets_ = 0;
  std::unique_ptr<Spool> spool_;
};

struct ZippedRuns {
  std::vector<std::string> archives;
  std::vector<std::string> failures;  // a sentence each
};

// Zips the runs in `offline_directory` whose programs ended without doing so.
ZippedRuns zip_left_over_runs(const std::string& offline_directory);

}  // namespace downbeat
