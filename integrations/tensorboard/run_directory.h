// Where TensorBoard's events of a run go.
#pragma once

#include <absl/time/time.h>

#include <string>

namespace downbeat {

// The directory that somebody chose: the option, else TENSORBOARD_LOGGING_DIR, with ~ for the home. Empty: nobody did.
std::string chosen_run_directory(const std::string& option);

// <output_dir>/runs/<MonDD_HH-MM-SS>_<hostname>, as HuggingFace calls it, made now. Where a run of the same second has
// that one, _2, _3, ... follows: a directory is one run.
std::string new_run_directory(const std::string& output_dir, absl::Time time);

}  // namespace downbeat
