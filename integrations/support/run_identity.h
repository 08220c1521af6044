// Which run of a tracker a checkpoint belongs to, so that a resumed training goes on reporting to it.
//
//   note_run("MLflow", checkpoint.directory, "mlflow", {{"run_id", id}});   // on_save: checkpoint-8/mlflow_run.json
//   if (const auto run = run_of(checkpoint.directory, "mlflow")) ...        // on_load_checkpoint
//
// A file of its own in the checkpoint, because HuggingFace refuses a trainer_state.json with names that it does not
// know.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace downbeat {

// `tracker` is for the warning where it cannot be written. A checkpoint that save_total_limit has taken away meanwhile
// stays away.
void note_run(const std::string& tracker, const std::string& checkpoint_directory, const std::string& name,
              const nlohmann::json& identity);

// Whether a file of a checkpoint is such a note, of whatever tracker: it is there or not as it comes.
bool is_run_identity(const std::string& path);

// Nothing where the checkpoint does not say, or not as a JSON object.
std::optional<nlohmann::json> run_of(const std::string& checkpoint_directory, const std::string& name);

}  // namespace downbeat
