#include "integrations/support/files_below.h"

#include <algorithm>
#include <filesystem>

#include "integrations/support/small_file.h"

namespace downbeat {

namespace fs = std::filesystem;

std::vector<std::string> files_below(const std::string& directory, std::error_code& error, const std::string& without) {
  std::vector<std::string> paths;
  for (fs::recursive_directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code gone;  // meanwhile: no reason to end
    if (entry->is_directory(gone) && fs::equivalent(entry->path(), without, gone)) entry.disable_recursion_pending();
    if (!entry->is_regular_file(gone) || is_being_written(entry->path().string())) continue;
    paths.push_back(entry->path().lexically_relative(directory).generic_string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace downbeat
