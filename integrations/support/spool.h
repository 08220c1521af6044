// Spool: what is to be sent to a server, kept in a file until the server has taken it. Nothing is lost to a server or a
// network that fails, nor to the end of the program.
//
//   Spool spool("MLflow", "runs/a/mlflow/20261125-a1b2/spool.jsonl");
//   spool.append(R"({"log_batch": ...})", /*values=*/10);      // the writing thread
//   while (std::optional<std::string> entry = spool.first()) { ...send...; spool.acknowledge(); }   // the sending one
//
// Entries are single lines of text, best JSON. Beside the file stands FILE.acknowledged: how many bytes of it the
// server has taken; a later program goes on from there. An entry of which only a part was written before a crash is not
// there. The file is locked while a Spool is open: another program that finds it locked leaves it alone. Thread-safe.
// Never give it a secret.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "integrations/support/append_file.h"

namespace downbeat {

class Spool {
 public:
  // Opens or makes the file with the first append() or first(). `tracker` is for warnings.
  Spool(std::string tracker, std::string path, const AppendFileOptions& options = {});
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  bool append(absl::string_view entry, int64_t values = 0);  // as AppendFile

  std::optional<std::string> first();  // that is not acknowledged; nothing when the server has all
  void acknowledge();                  // the one that first() gave

  bool lock();  // false: another program has it
  bool is_empty() { return !first(); }
  void report_lost() { file_.report_lost(); }
  const std::string& path() const { return file_.path(); }
  void remove();  // both files, when all is acknowledged

 private:
  bool try_lock();
  void read_acknowledged();

  std::mutex mutex_;
  AppendFile file_;           // of the writing thread
  bool has_entries_ = false;  // of the writing thread
  int reading_ = -1;          // file descriptors
  int acknowledging_ = -1;
  int64_t acknowledged_ = -1;  // bytes; negative until it is read
  std::string ahead_;          // read from acknowledged_ on
};

// Spools below `directory` (in DIRECTORY/*/spool.jsonl) of programs that ended before all was sent, oldest first.
std::vector<std::string> unfinished_spools(const std::string& directory);

}  // namespace downbeat
