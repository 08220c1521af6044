#include "integrations/tensorboard/run_directory.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "integrations/support/environment.h"
#include "integrations/support/machine.h"

namespace downbeat {

std::string chosen_run_directory(const std::string& option) {
  return with_home(chosen_setting(option, "TENSORBOARD_LOGGING_DIR"));
}

std::string new_run_directory(const std::string& output_dir, absl::Time time) {
  const std::string runs = absl::StrCat(output_dir, "/runs");
  const std::string name = absl::StrCat(runs, "/", local_time("%b%d_%H-%M-%S", time), "_", host_name());
  std::error_code error;
  std::filesystem::create_directories(runs, error);
  std::string directory = name;
  // What cannot be made at all is said when the first event is written.
  for (int n = 2; !std::filesystem::create_directory(directory, error) && !error; ++n) {
    directory = absl::StrCat(name, "_", n);
  }
  return directory;
}

}  // namespace downbeat
