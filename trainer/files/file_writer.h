// FileWriter: writes one file front to back, so that it is whole on disk or not there under its name at all.
//
//   FileWriter file;
//   absl::Status status = file.open("model.safetensors");
//   if (status.ok()) status = file.write(header);
//   if (status.ok()) status = file.write(data);
//   if (status.ok()) status = file.finish();
//
// The bytes go to a hidden file beside, which finish() renames. What had the name before stays whole until then, and
// whoever has it open or mapped into memory keeps it: a model can be saved over the file that its tensors are views of.
// A device, a pipe and other things that are no regular file are written in place.
//
// For a few bytes that are all there: write_file (directory.h). Free of torch.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace downbeat {

// Every failure is one sentence with the file and the system's reason. After the first one nothing more is written, all
// calls return it, and nothing is left behind.
class FileWriter {
 public:
  FileWriter() = default;
  ~FileWriter();  // without finish(): as if it had never been opened
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  absl::Status open(const std::string& path);

  // Small pieces are gathered; large ones are written from where they are, and begin their way to the disk at once.
  absl::Status write(absl::string_view bytes);

  // Waits until everything is on disk, which is short as most of it is there, and gives the file its name.
  absl::Status finish();

  const absl::Status& status() const { return status_; }

 private:
  absl::Status write_out(absl::string_view bytes);
  absl::Status flush();
  absl::Status fail();
  void close();

  std::string path_;     // as asked for, for sentences
  std::string target_;   // what has or gets the name: where path_ is a link, what it leads to
  std::string written_;  // target_ itself where that is no regular file
  int file_ = -1;
  off_t position_ = 0;
  std::string gathered_;
  absl::Status status_;
};

}  // namespace downbeat
