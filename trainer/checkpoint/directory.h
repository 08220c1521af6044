// Checkpoint directories on disk: written so that a crash at any moment leaves the previous one whole, listed, rotated.
//
//   absl::Status saved = write_directory("runs/a/checkpoint-10", [](const std::string& directory) { ...files... });
//
// Free of torch.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace downbeat {

// OUTPUT/checkpoint-<step>; a relative output_dir stays relative.
std::string checkpoint_directory(const std::string& output_dir, int64_t step);

// The number in the name of a checkpoint directory; nothing where the name is no checkpoint's.
std::optional<int64_t> checkpoint_step(const std::string& directory);

// Creates the directory and its parents. OK if it is there already.
absl::Status create_directories(const std::string& directory);

// Writes a file and waits until it is on disk. One sentence names the file and the system's reason when it cannot.
absl::Status write_file(const std::string& path, absl::string_view content);
absl::Status write_file(const std::string& path, const std::vector<absl::string_view>& parts);

// Has `write` fill a directory of its own beside `directory`, then gives it that name, in exchange for what had it
// before. If anything fails nothing is left behind and `directory` is as it was.
absl::Status write_directory(const std::string& directory,
                             const std::function<absl::Status(const std::string&)>& write);

// Puts in order what a killed run left of a checkpoint that it was writing or deleting. OK where there is no OUTPUT.
absl::Status clean_up_checkpoints(const std::string& output_dir);

// The steps of OUTPUT/checkpoint-*, oldest first: by time of modification, or by step when all lie within a second.
std::vector<int64_t> list_checkpoints(const std::string& output_dir);

// Deletes the oldest checkpoints until `save_total_limit` remain; the newest and that of `best_step` always remain. No
// limit, or one of 0 or less, deletes nothing.
absl::Status rotate_checkpoints(const std::string& output_dir, std::optional<int64_t> save_total_limit,
                                std::optional<int64_t> best_step);

// Deletes every checkpoint but that of `step`.
absl::Status keep_only_checkpoint(const std::string& output_dir, int64_t step);

}  // namespace downbeat
