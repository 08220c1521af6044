// The files of a checkpoint or another directory, as trackers keep or send them.
#pragma once

#include <string>
#include <system_error>
#include <vector>

namespace downbeat {

// Paths below `directory`, sorted, of all that is a file or a link to one; what lies below the directory `without` is
// left out, and so is what another thread is writing just now (small_file.h).
std::vector<std::string> files_below(const std::string& directory, std::error_code& error,
                                     const std::string& without = {});

}  // namespace downbeat
