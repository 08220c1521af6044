// SpoolReplay: sends what another program left in its spool.
//
//   auto replay = SpoolReplay::open("MLflow", "runs/a/mlflow/20261125-221000-a1b2c3/spool.jsonl");
//   SendResult result = (*replay)->send_all(destination);   // until all is sent, or the first failure; then again
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "integrations/mlflow/destination.h"
#include "integrations/support/spool.h"
#include "integrations/support/spool_sender.h"

namespace downbeat {

class SpoolReplay {
 public:
  // One sentence where the file is no spool, or its program still runs.
  static absl::StatusOr<std::unique_ptr<SpoolReplay>> open(const std::string& tracker, const std::string& path);

  // `refused` with an empty run().id: the run itself is not to be had there, and nothing was sent. What is refused
  // later is passed over and counted. When all is sent the spool is removed.
  SendResult send_all(MLflowDestination& destination);

  const PlacedRun& run() const { return run_; }
  int64_t sent() const { return sent_; }                   // entries
  int64_t refused() const { return refused_; }             // entries
  const std::string& refusal() const { return refusal_; }  // the first one's reason

 private:
  SpoolReplay(const std::string& tracker, const std::string& path) : spool_(tracker, path) {}

  Spool spool_;
  PlacedRun run_;
  int64_t sent_ = 0;
  int64_t refused_ = 0;
  std::string refusal_;
};

// Of the first entry of a spool.
absl::StatusOr<MLflowRunStart> run_start_in(const std::string& spool_path);

void remove_spool(Spool& spool);  // and its directories, where nothing else is in them

}  // namespace downbeat
