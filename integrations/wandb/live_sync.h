// LiveSync: the official program `wandb beta sync --live`, which follows a run's growing directory and uploads it.
//
//   LiveSync sync("wandb/offline-run-...", run_file, {.resumes = true});
//   ...
//   if (sync.finish(absl::Seconds(60))) ...      // the run's last record is written: waits for the upload
//
// It runs in a group of processes of its own, so that an interrupt at the terminal leaves it alone, reads nothing of
// ours, and writes to logs/sync.log. A guard beside it ends it when it has not ended by itself so many seconds after
// this program: it would wait for a last record for ever.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <string>

#include "integrations/support/child_process.h"

namespace downbeat {

struct LiveSyncOptions {
  bool resumes = false;                         // the service has an earlier part of the run
  absl::Duration outlives = absl::Seconds(60);  // this program, when that is killed
};

class LiveSync {
 public:
  static bool is_installed();  // a program `wandb` on PATH

  LiveSync(std::string run_directory, const LiveSyncOptions& options);
  ~LiveSync();  // ends it
  LiveSync(const LiveSync&) = delete;
  LiveSync& operator=(const LiveSync&) = delete;

  absl::Status start();

  // Waits until it ends by itself, at most that long.
  void finish(absl::Duration at_most);

  std::string output() const { return run_directory_ + "/logs/sync.log"; }

 private:
  void end();

  const std::string run_directory_;
  const LiveSyncOptions options_;
  ChildProcess program_;
  int alive_ = -1;  // a pipe that is open as long as this program lives
};

}  // namespace downbeat
