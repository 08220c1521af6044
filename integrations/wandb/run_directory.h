// The directory of a run: DIRECTORY/offline-run-YYYYMMDD_HHMMSS-<id> with files/, logs/ and tmp/, named as the official
// client does, and DIRECTORY/latest-run, which points to it.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <vector>

namespace downbeat {

// Makes it. One of the same name belongs to another run: then a number is put behind the name. What cannot be made is
// for the file in it to complain of: the path is given all the same.
std::string make_run_directory(const std::string& directory, absl::Time start, const std::string& run_id);

// files/, logs/ and tmp/, where they are missing, and latest-run.
void complete_run_directory(const std::string& run_directory);

// The .wandb files of this run below `directory`, oldest first: a run that was resumed has several.
std::vector<std::string> files_of_run(const std::string& directory, const std::string& run_id);

}  // namespace downbeat
