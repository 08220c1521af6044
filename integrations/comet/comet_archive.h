// A directory as a zip archive.
#pragma once

#include <absl/status/status.h>

#include <string>
#include <vector>

namespace downbeat {

struct ArchiveMember {
  std::string name;  // in the archive
  std::string path;
  bool is_compressed = true;
};

// Written beside `path` and renamed when it is whole. One sentence says what went wrong.
absl::Status write_archive(const std::string& path, const std::vector<ArchiveMember>& members);

}  // namespace downbeat
