// How many rows of history a .wandb file holds, so that a run that is resumed goes on behind them. Rows beyond the
// checkpoint are there as well, when the program was killed.
#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <string>

namespace downbeat {

// One more than the greatest step of a row; 0 where there is none. Stops at the first damaged record.
int64_t next_step_in(absl::string_view file_content);
int64_t next_step_in_file(const std::string& path);

}  // namespace downbeat
