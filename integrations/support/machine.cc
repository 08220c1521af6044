#include "integrations/support/machine.h"

#include <absl/strings/str_cat.h>
#include <gnu/libc-version.h>
#include <pwd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <random>

#include "integrations/support/environment.h"

namespace downbeat {

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data() : "localhost";
}

std::string user_name() {
  for (const char* variable : {"LOGNAME", "USER"}) {
    if (const auto name = environment_variable(variable)) return *name;
  }
  const passwd* entry = getpwuid(geteuid());
  return entry != nullptr ? entry->pw_name : absl::StrCat(geteuid());
}

std::string operating_system() {
  utsname system{};
  if (uname(&system) != 0) return "Linux";
  return absl::StrCat(system.sysname, "-", system.release, "-", system.machine, "-with-glibc", gnu_get_libc_version());
}

std::string program_path() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

std::vector<std::string> command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  if (!words.empty()) words.erase(words.begin());
  return words;
}

std::string random_text(int count, absl::string_view alphabet) {
  std::random_device random;
  std::uniform_int_distribution<std::size_t> at(0, alphabet.size() - 1);
  std::string text;
  for (int i = 0; i < count; ++i) text += alphabet[at(random)];
  return text;
}

std::string random_hex(int count) { return random_text(count, "0123456789abcdef"); }

std::string random_uuid() {
  std::string uuid = random_hex(8) + "-" + random_hex(4) + "-4" + random_hex(3) + "-" + random_text(1, "89ab");
  return uuid + random_hex(3) + "-" + random_hex(12);
}

std::string local_time(absl::string_view format, absl::Time time) {
  return absl::FormatTime(format, time, absl::LocalTimeZone());
}

}  // namespace downbeat
