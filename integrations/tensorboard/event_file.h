// EventFile: one of the files of a TensorBoard run.
//
//   EventFile file("runs/a");
//   file.add(scalar_event(time, step, "train/loss", 0.5));
//   file.add(scalar_event(time, step, "train/epoch", 1.0));
//   file.write(/*values=*/2);              // both at once; false: they could not be kept
//
// Records are whole or not there, but for the last one after a crash. A directory is one run: readers put its files one
// behind the other in the order of their names, so a new file's name comes after those that are there.
#pragma once

#include <cstdint>
#include <string>

#include "integrations/support/append_file.h"

namespace downbeat {

class EventFile {
 public:
  // Begins with the version, and when a run goes on at `purge_step`, with the word that what was there of that step and
  // later is void.
  explicit EventFile(const std::string& directory, int64_t purge_step = 0, const AppendFileOptions& options = {});

  void add(const std::string& event);               // counted as lost when write() fails
  void add_to_beginning(const std::string& event);  // kept until a write() succeeds
  bool write(int64_t values);

  int64_t size() const { return file_.size(); }
  int64_t lost() const { return file_.lost(); }
  void report_lost() const { file_.report_lost(); }
  const std::string& path() const { return file_.path(); }

 private:
  AppendFile file_;
  std::string beginning_;
  std::string events_;
};

}  // namespace downbeat
