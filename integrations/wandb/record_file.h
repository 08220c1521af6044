// RecordFile: a run's .wandb file, which `wandb sync` and `wandb beta sync --live` read.
//
//   RecordFile file("wandb/offline-run-.../run-a1b2c3d4.wandb");
//   file.hold({header, run, config});          // stand before everything else, also where the disk was full at first
//   file.append({summary, history}, 4);        // at once, or not at all
//
// The format is LevelDB's log with a header of 7 bytes that counts as part of the first block: blocks of 32768 bytes,
// chunks of [u32 CRC-32 of type and payload][u16 length][u8 type][payload], a record in one chunk or in several, none
// across the end of a block. Source: core/internal/transactionlog of the client. For one thread.
#pragma once

#include <absl/strings/string_view.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "integrations/support/append_file.h"

namespace downbeat {

// What stands at the beginning of each file.
inline constexpr absl::string_view kWandbFileHeader{":W&B\xe1\xbe\0", 7};

inline constexpr std::size_t kWandbBlock = 32768;    // bytes
inline constexpr std::size_t kWandbChunkHeader = 7;  // bytes
enum class WandbChunk : char { full = 1, first, middle, last };

// The record in chunks, for a file that has `at` bytes so far.
std::string framed(int64_t at, absl::string_view record);

class RecordFile {
 public:
  explicit RecordFile(std::string path);

  // Records without their number, which this class gives them.
  void hold(std::vector<std::string> records);
  bool append(const std::vector<std::string>& records, int64_t values = 0);

  bool is_begun() const { return file_.size() > 0; }
  void try_again() { file_.try_again(); }
  int64_t lost() const { return file_.lost(); }
  void report_lost() const { file_.report_lost(); }
  const std::string& path() const { return file_.path(); }

 private:
  AppendFile file_;
  std::vector<std::string> held_;
  int64_t number_ = 0;  // of the last record
};

}  // namespace downbeat
