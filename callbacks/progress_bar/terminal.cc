#include "callbacks/progress_bar/terminal.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace downbeat {

bool is_live_terminal(std::FILE* stream) {
  const char* kind = std::getenv("TERM");
  return isatty(fileno(stream)) == 1 && !(kind != nullptr && std::string(kind) == "dumb");
}

bool is_pipe(std::FILE* stream) {
  struct stat status{};
  return fstat(fileno(stream), &status) == 0 && S_ISFIFO(status.st_mode);
}

std::optional<int> terminal_width(std::FILE* stream) {
  winsize size{};
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
  return size.ws_col;
}

bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string lower = absl::AsciiStrToLower(value);
    return absl::StrContains(lower, "utf-8") || absl::StrContains(lower, "utf8");
  }
  return false;
}

}  // namespace downbeat
