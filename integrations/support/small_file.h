// Small files that are written as a whole.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <optional>
#include <string>

namespace downbeat {

// Writes beside and renames, so that a reader sees the old content or the new one. Makes the directories above. One
// sentence names the file and the system's reason when it cannot.
absl::Status write_small_file(const std::string& path, absl::string_view content);

bool is_being_written(const std::string& path);  // the file beside

std::optional<std::string> read_small_file(const std::string& path);  // nothing where it cannot be read

}  // namespace downbeat
