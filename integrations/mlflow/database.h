// MLflowDatabase: a run's entries in an SQLite file as MLflow itself writes them, so that `mlflow ui` shows them
// without a server having run.
//
//   MLflowDatabase database({.path = "/runs/mlflow.db"});
//
// A new file gets MLflow's tables at an old revision; MLflow brings it to its own when it first opens it, even while
// this goes on writing. A file that is there is used at whatever revision it has. Each entry is one transaction.
// Artifacts are copied to mlruns/EXPERIMENT/RUN/artifacts beside the file. SQLite is not safe on network file systems.
// Source: MLflow 3.17.2, its migrations and what its client reads.
#pragma once

#include <absl/time/time.h>

#include <memory>
#include <string>

#include "integrations/mlflow/destination.h"

namespace downbeat {

class SqliteFile;

struct MLflowDatabaseOptions {
  std::string tracker = "MLflow";           // for warnings
  std::string path = {};                    // absolute
  absl::Duration wait = absl::Seconds(60);  // for other programs that write
};

class MLflowDatabase : public MLflowDestination {
 public:
  explicit MLflowDatabase(MLflowDatabaseOptions options);

  std::string name() const override { return options_.path; }

 private:
  SendResult place(PlacedRun& run) override;
  SendResult log(PlacedRun& run, const nlohmann::json& batch) override;
  SendResult set_status(PlacedRun& run, const std::string& status, int64_t end_time) override;
  SendResult add_artifact(PlacedRun& run, const std::string& file, const std::string& path) override;

  absl::Status make_tables(SqliteFile& file) const;
  absl::Status find_or_make_run(SqliteFile& file, PlacedRun& run) const;
  absl::StatusOr<std::string> experiment(SqliteFile& file, const MLflowRunStart& start) const;
  absl::Status make_run(SqliteFile& file, const std::string& experiment, PlacedRun& run) const;
  absl::Status add_param(SqliteFile& file, PlacedRun& run, const std::string& key, const std::string& value) const;

  const MLflowDatabaseOptions options_;
};

}  // namespace downbeat
