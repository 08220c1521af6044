// AppendFile: a file that grows by whole records and survives a full disk.
//
//   AppendFile file("TensorBoard", "runs/a/events.out");
//   file.append(record, /*values=*/10);             // false: it could not be kept; said once, counted
//   ...
//   file.report_lost();                              // one closing line with the count, where something was lost
//
// Every record is handed to the system at once, so that only a crash of the machine can lose it. A record of which only
// a part went to the disk is taken back. After a failure writing is tried again every 30 s, and what comes meanwhile is
// counted as lost. For one thread.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string>

namespace downbeat {

struct AppendFileOptions {
  bool must_be_new = false;  // a file that is there already is a failure
  absl::Duration retry_every = absl::Seconds(30);
};

class AppendFile {
 public:
  // `tracker` is for warnings. The file and the directories above it are made with the first record.
  AppendFile(std::string tracker, std::string path, const AppendFileOptions& options = {});
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  // `values`: how many logged numbers the record holds, for the count of what is lost.
  bool append(absl::string_view record, int64_t values = 0);

  void try_again() { next_try_ = absl::InfinitePast(); }  // with the next record, as it is the last

  int64_t size() const { return size_; }  // bytes of whole records
  int64_t lost() const { return lost_; }  // values
  void report_lost() const;
  const std::string& path() const { return path_; }

 private:
  absl::Status open();
  absl::Status write(absl::string_view record);
  bool lose(int64_t values);

  const std::string tracker_;
  const std::string path_;
  const AppendFileOptions options_;
  int file_ = -1;
  int64_t size_ = 0;
  int64_t lost_ = 0;
  std::string reason_;  // of the last failure
  absl::Time next_try_ = absl::InfinitePast();
};

}  // namespace downbeat
