// The files of an artifact, kept in the run's directory until they are uploaded: a checkpoint may be deleted before.
//
//   StagedFiles files = link_files("runs/a/checkpoint-8", directory + "/artifacts/1", is_wanted);   // takes no time
//   copy_rest(files);                                     // later: what could not be linked, as on another disk
//   absl::StatusOr<std::vector<WandbArtifactFile>> contents = contents_of(".../artifacts/1");
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <functional>
#include <string>
#include <vector>

#include "integrations/wandb/record.h"

namespace downbeat {

struct StagedFiles {
  std::string source;
  std::string directory;
  std::vector<std::string> to_copy = {};  // paths below both
};

// Hard links of all files below `source` for whose path below it `is_wanted` says so.
StagedFiles link_files(const std::string& source, const std::string& directory,
                       const std::function<bool(const std::string& path)>& is_wanted);

absl::Status copy_rest(const StagedFiles& files);

// All files below a directory with their sums, sorted by path.
absl::StatusOr<std::vector<WandbArtifactFile>> contents_of(const std::string& directory);

}  // namespace downbeat
