// SpooledRun: the entries of a run on their way: into a spool at once, from there to the destination on a thread of
// their own, behind what earlier runs of the same directory left.
//
//   SpooledRun run({.tracker = "MLflow", .directory = "runs/a/mlflow", .start = start}, std::move(destination));
//   run.add(log_entry("metrics", points), /*values=*/10);
//   run.finish(absl::Seconds(60));
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "integrations/mlflow/destination.h"
#include "integrations/mlflow/entry.h"
#include "integrations/mlflow/spool_replay.h"
#include "integrations/support/spool.h"
#include "integrations/support/spool_sender.h"

namespace downbeat {

struct SpooledRunOptions {
  std::string tracker = "MLflow";  // for warnings
  std::string directory = {};      // of the spools of all runs: each has one of its own below
  MLflowRunStart start = {};
};

class SpooledRun {
 public:
  // `destination` may be null: everything stays in the spool.
  SpooledRun(SpooledRunOptions options, std::unique_ptr<MLflowDestination> destination);
  ~SpooledRun();
  SpooledRun(const SpooledRun&) = delete;
  SpooledRun& operator=(const SpooledRun&) = delete;

  void add(const nlohmann::json& entry, int64_t values = 0);  // values: metrics, for the count of what is lost
  void wake();                                                // there is something to send

  // A file of an artifact: a second name for it is kept with the spool, so that it may be deleted where it is.
  void add_artifact(const std::string& file, const std::string& path);

  // Sends for at most that long what is left. What stays is said in one line. Nothing is to be added any more.
  void finish(absl::Duration at_most);

  std::string run_id();  // empty: the destination has not said it yet

 private:
  // --- On the thread that sends ---
  SendResult send(const std::string& line);
  SendResult send_earlier();
  bool open_earlier();

  const SpooledRunOptions options_;
  const std::unique_ptr<MLflowDestination> destination_;
  std::optional<std::string> beginning_;  // without which the rest means nothing: kept until the disk takes it
  Spool spool_;
  PlacedRun run_;
  std::vector<std::string> earlier_paths_;  // the next one is the last
  std::unique_ptr<SpoolReplay> earlier_;
  std::mutex mutex_;
  std::string run_id_;
  std::optional<SpoolSender> sender_;  // last: its thread uses the others
};

}  // namespace downbeat
