#include "integrations/support/child_process.h"

#include <absl/strings/str_split.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "integrations/support/environment.h"

extern char** environ;

namespace downbeat {
namespace {

// How the program begins.
class Beginning {
 public:
  explicit Beginning(const ChildFiles& files) {
    posix_spawn_file_actions_init(&files_);
    add(files.input, STDIN_FILENO, O_RDONLY);
    add(files.output, STDOUT_FILENO, O_WRONLY);
    add(files.errors, STDERR_FILENO, O_WRONLY);
#if __GLIBC_PREREQ(2, 34)
    posix_spawn_file_actions_addclosefrom_np(&files_, STDERR_FILENO + 1);
#endif
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setsigmask(&attributes_, &none);  // signals of this thread may be blocked
    posix_spawnattr_setsigdefault(&attributes_, &all);
  }
  ~Beginning() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  Beginning(const Beginning&) = delete;
  Beginning& operator=(const Beginning&) = delete;

  const posix_spawn_file_actions_t* files() const { return &files_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  void add(int file, int as, int mode) {
    if (file >= 0) {
      posix_spawn_file_actions_adddup2(&files_, file, as);
    } else {
      posix_spawn_file_actions_addopen(&files_, as, "/dev/null", mode, 0);
    }
  }

  posix_spawn_file_actions_t files_;
  posix_spawnattr_t attributes_;
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

std::optional<std::string> program_on_path(const std::string& name) {
  const std::string path = environment_variable("PATH", "");
  for (const absl::string_view directory : absl::StrSplit(path, ':', absl::SkipEmpty())) {
    std::string program = absl::StrCat(directory, "/", name);
    std::error_code error;
    if (std::filesystem::is_regular_file(program, error) && ::access(program.c_str(), X_OK) == 0) return program;
  }
  return std::nullopt;
}

absl::Status ChildProcess::start(std::vector<std::string> command, const ChildFiles& files,
                                 const std::vector<std::string>& variables) {
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) all.emplace_back(*variable);
  all.insert(all.end(), variables.begin(), variables.end());
  const Beginning beginning(files);
  const int error = ::posix_spawn(&process_, command[0].c_str(), beginning.files(), beginning.attributes(),
                                  pointers_to(command).data(), pointers_to(all).data());
  if (error == 0) return absl::OkStatus();
  process_ = -1;
  return absl::UnavailableError(std::strerror(error));
}

// It stays a zombie until end(), so that its number still means its group.
bool ChildProcess::has_ended() {
  siginfo_t ended{};
  const bool is_known =
      process_ > 0 && ::waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0;
  if (is_known && ended.si_pid == 0) return false;
  ended_well_ = is_known && ended.si_code == CLD_EXITED && ended.si_status == 0;
  return true;
}

void ChildProcess::end() {
  if (process_ < 0) return;
  ::kill(-process_, SIGKILL);
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) continue;
  process_ = -1;
}

}  // namespace downbeat
