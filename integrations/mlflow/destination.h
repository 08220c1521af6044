// MLflowDestination: where the entries of a spool (entry.h) go: a server (rest.h) or a database (database.h).
//
//   PlacedRun run{.start = run_start_of(first_entry.at("run"))};
//   SendResult result = destination.send(entry, run);          // the first that is sent finds or makes the run
//
// Sending an entry again stores nothing twice. For one thread.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "integrations/mlflow/entry.h"
#include "integrations/support/http_client.h"
#include "integrations/support/spool_sender.h"

namespace downbeat {

// A run of a spool as it is there.
struct PlacedRun {
  MLflowRunStart start = {};
  std::string directory = {};          // of the spool: files of artifacts with a relative path lie there
  bool may_exist = false;              // it was asked for before: look for it before it is made
  std::string id = {};                 // empty: not found or made yet
  std::string artifacts = {};          // URI; empty: not asked for yet
  std::set<std::string> refused = {};  // names about which a warning was written
};

class MLflowDestination {
 public:
  virtual ~MLflowDestination() = default;

  // While run.id stays empty the entry has not been looked at.
  SendResult send(const nlohmann::json& entry, PlacedRun& run);

  virtual std::string name() const = 0;                   // for warnings
  virtual std::string credentials() const { return {}; }  // what to set where they are refused
  virtual HttpClient* client() { return nullptr; }

 private:
  virtual SendResult place(PlacedRun& run) = 0;  // finds or makes it, and gives it its id
  virtual SendResult log(PlacedRun& run, const nlohmann::json& batch) = 0;
  virtual SendResult set_status(PlacedRun& run, const std::string& status, int64_t end_time) = 0;  // 0: it runs
  virtual SendResult add_artifact(PlacedRun& run, const std::string& file, const std::string& path) = 0;
};

// Copies `file` to directory/path. A path that leads out of the directory is refused.
SendResult copy_artifact(const std::string& file, const std::string& directory, const std::string& path);

}  // namespace downbeat
