#include "examples/runfile.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace examples {

std::string runfile(const std::string& path) {
  std::error_code ignored;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
  const char* of_test = std::getenv("TEST_SRCDIR");  // a program that a test starts has no runfiles of its own
  const std::string runfiles = of_test != nullptr ? of_test : program + ".runfiles";
  return runfiles + "/downbeat/" + path;
}

}  // namespace examples
