#include "integrations/mlflow/database.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/message.h"
#include "integrations/mlflow/database_schema.h"
#include "integrations/mlflow/sqlite.h"
#include "integrations/mlflow/text.h"
#include "integrations/support/machine.h"
#include "integrations/support/now.h"

namespace downbeat {
namespace {

using What = SendResult::What;

// What another try may mend, but for what is wrong with the file or the run themselves.
SendResult result_of_status(const absl::Status& status) {
  if (status.ok()) return {};
  return {absl::IsUnavailable(status) ? What::failed : What::refused, std::string(status.message())};
}

// All of it or nothing. Waits until nobody else writes.
SendResult transaction(SqliteFile& file, const std::function<absl::Status()>& body) {
  absl::Status status = file.execute("BEGIN IMMEDIATE");
  if (!status.ok()) return result_of_status(status);
  status = body();
  if (status.ok()) status = file.execute("COMMIT");
  if (!status.ok()) file.execute("ROLLBACK").IgnoreError();
  return result_of_status(status);
}

absl::Status add_metric(SqliteFile& file, const std::string& run, const nlohmann::json& point) {
  const double value = number_of(point.at("value"));
  const double stored =
      std::isnan(value) ? 0
                        : std::clamp(value, std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max());
  const std::vector<SqliteFile::Value> values{point.at("key").get<std::string>(),   stored,
                                              point.at("timestamp").get<int64_t>(), run,
                                              point.at("step").get<int64_t>(),      int64_t{std::isnan(value)}};
  absl::Status status = file.run(
      "INSERT OR IGNORE INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)",
      values);
  if (!status.ok()) return status;
  return file.run(
      "INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value, timestamp = excluded.timestamp, "
      "step = excluded.step, is_nan = excluded.is_nan "
      "WHERE (excluded.step, excluded.timestamp, excluded.value) >= (step, timestamp, value)",
      values);
}

std::filesystem::path place_of_experiment(const std::string& database, const std::string& experiment) {
  return std::filesystem::path(database).parent_path() / "mlruns" / experiment;
}

absl::Status set_tag(SqliteFile& file, const std::string& run, const std::string& key, const std::string& value) {
  return file.run("INSERT OR REPLACE INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", {key, value, run});
}

}  // namespace

MLflowDatabase::MLflowDatabase(MLflowDatabaseOptions options) : options_(std::move(options)) {}

SendResult MLflowDatabase::place(PlacedRun& run) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(options_.path).parent_path(), error);
  SqliteFile file(options_.path, options_.wait);
  SendResult result = transaction(file, [&] {
    absl::Status status = make_tables(file);
    return status.ok() ? find_or_make_run(file, run) : status;
  });
  if (result.what != What::sent) run.id.clear();
  return result;
}

absl::Status MLflowDatabase::make_tables(SqliteFile& file) const {
  const auto tables = file.rows("SELECT name FROM sqlite_master WHERE type = 'table'");
  if (!tables.ok()) return tables.status();
  if (std::find(tables->begin(), tables->end(), SqliteFile::Row{"alembic_version"}) != tables->end()) {
    return absl::OkStatus();
  }
  if (!tables->empty()) return absl::FailedPreconditionError("it holds the tables of another program");
  absl::Status status = file.execute(kMLflowSchema);
  if (!status.ok()) return status;
  status = file.run("INSERT INTO alembic_version (version_num) VALUES (?)", {kMLflowRevision});
  if (!status.ok()) return status;
  return file.run(
      "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage) "
      "VALUES (0, 'Default', ?, 'active')",
      {place_of_experiment(options_.path, "0").string()});
}

absl::Status MLflowDatabase::find_or_make_run(SqliteFile& file, PlacedRun& run) const {
  const bool is_known = !run.start.run_id.empty();
  const auto found =
      is_known ? file.rows("SELECT run_uuid, artifact_uri FROM runs WHERE run_uuid = ?", {run.start.run_id})
               : file.rows(
                     "SELECT runs.run_uuid, artifact_uri FROM tags JOIN runs ON runs.run_uuid = tags.run_uuid "
                     "WHERE tags.key = ? AND tags.value = ?",
                     {kMLflowKeyTag, run.start.key});
  if (!found.ok()) return found.status();
  if (!found->empty()) {
    run.id = found->front()[0];
    run.artifacts = found->front()[1];
    return absl::OkStatus();
  }
  if (is_known) return absl::NotFoundError(absl::StrCat("it holds no run ", run.start.run_id));
  const auto id = experiment(file, run.start);
  return id.ok() ? make_run(file, *id, run) : id.status();
}

absl::StatusOr<std::string> MLflowDatabase::experiment(SqliteFile& file, const MLflowRunStart& start) const {
  const bool has_id = !start.experiment_id.empty();
  const auto found = file.rows(absl::StrCat("SELECT experiment_id, lifecycle_stage FROM experiments WHERE ",
                                            has_id ? "CAST(experiment_id AS TEXT)" : "name", " = ?"),
                               {has_id ? start.experiment_id : start.experiment_name});
  if (!found.ok()) return found.status();
  const std::string named = has_id ? start.experiment_id : absl::StrCat("'", start.experiment_name, "'");
  if (!found->empty()) {
    if (found->front()[1] == "active") return found->front()[0];
    return absl::FailedPreconditionError(absl::StrCat("its experiment ", named, " is deleted"));
  }
  if (has_id) return absl::NotFoundError(absl::StrCat("it holds no experiment ", named));

  const auto columns = file.rows("SELECT name FROM pragma_table_info('experiments') WHERE name = 'creation_time'");
  if (!columns.ok()) return columns.status();
  const int64_t now = now_ms();
  absl::Status status =
      columns->empty()
          ? file.run("INSERT INTO experiments (name, lifecycle_stage) VALUES (?, 'active')", {start.experiment_name})
          : file.run(
                "INSERT INTO experiments (name, lifecycle_stage, creation_time, last_update_time) "
                "VALUES (?, 'active', ?, ?)",
                {start.experiment_name, now, now});
  if (!status.ok()) return status;
  const std::string id = absl::StrCat(file.last_id());
  status = file.run("UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?",
                    {place_of_experiment(options_.path, id).string(), file.last_id()});
  if (!status.ok()) return status;
  return id;
}

absl::Status MLflowDatabase::make_run(SqliteFile& file, const std::string& experiment, PlacedRun& run) const {
  run.id = random_hex(32);
  run.artifacts = (place_of_experiment(options_.path, experiment) / run.id / "artifacts").string();
  const std::string name = run.start.run_name.empty() ? absl::StrCat("run-", run.id.substr(0, 8)) : run.start.run_name;
  MLflowTexts tags = run.start.tags;
  tags.emplace_back(kMLflowKeyTag, run.start.key);
  tags.emplace_back("mlflow.runName", name);
  const auto tag = [&](const std::string& key) {
    const auto found = std::find_if(tags.begin(), tags.end(), [&](const auto& each) { return each.first == key; });
    return found == tags.end() ? "" : found->second;
  };
  absl::Status status = file.run(
      "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, "
      "source_version, lifecycle_stage, artifact_uri, experiment_id) "
      "VALUES (?, ?, 'LOCAL', ?, '', ?, 'RUNNING', ?, '', 'active', ?, ?)",
      {run.id, cut(name, 250), tag("mlflow.source.name"), tag("mlflow.user"), run.start.start_time, run.artifacts,
       experiment});
  for (const auto& [key, value] : tags) {
    if (status.ok()) status = set_tag(file, run.id, key, value);
  }
  return status;
}

SendResult MLflowDatabase::log(PlacedRun& run, const nlohmann::json& batch) {
  SqliteFile file(options_.path, options_.wait);
  return transaction(file, [&]() -> absl::Status {
    const auto found = file.rows("SELECT 1 FROM runs WHERE run_uuid = ?", {run.id});
    if (!found.ok()) return found.status();
    if (found->empty()) return absl::NotFoundError(absl::StrCat("it no longer holds the run ", run.id));
    for (const auto& [kind, items] : batch.items()) {
      for (const auto& item : items) {
        absl::Status status = kind == "metrics"  ? add_metric(file, run.id, item)
                              : kind == "params" ? add_param(file, run, item.at("key"), item.at("value"))
                                                 : set_tag(file, run.id, item.at("key"), item.at("value"));
        if (!status.ok()) return status;
      }
    }
    return absl::OkStatus();
  });
}

// The first value of a param stays.
absl::Status MLflowDatabase::add_param(SqliteFile& file, PlacedRun& run, const std::string& key,
                                       const std::string& value) const {
  const auto before = file.rows("SELECT value FROM params WHERE key = ? AND run_uuid = ?", {key, run.id});
  if (!before.ok()) return before.status();
  if (before->empty()) {
    return file.run("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", {key, value, run.id});
  }
  if (before->front()[0] != value && run.refused.insert(key).second) {
    warn(absl::StrCat(options_.tracker, ": the run keeps ", cut(before->front()[0], 100), " as the first value of ",
                      key, " of the params; ", cut(value, 100), " is left out"));
  }
  return absl::OkStatus();
}

SendResult MLflowDatabase::set_status(PlacedRun& run, const std::string& status, int64_t end_time) {
  SqliteFile file(options_.path, options_.wait);
  return transaction(file, [&] {
    const auto set = [&](const std::string& name) {
      return end_time == 0
                 ? file.run("UPDATE runs SET status = ? WHERE run_uuid = ?", {name, run.id})
                 : file.run("UPDATE runs SET status = ?, end_time = ? WHERE run_uuid = ?", {name, end_time, run.id});
    };
    const absl::Status result = set(status);
    return absl::IsAlreadyExists(result) ? set("FAILED") : result;  // old revisions know no KILLED
  });
}

SendResult MLflowDatabase::add_artifact(PlacedRun& run, const std::string& file, const std::string& path) {
  return copy_artifact(file, run.artifacts, path);
}

}  // namespace downbeat
