#include "integrations/wandb/live_sync.h"

#include <absl/strings/str_split.h>
#include <absl/time/clock.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "integrations/support/environment.h"

extern char** environ;

namespace downbeat {
namespace {

// $1: the run's directory; $2: seconds. Standard input is the pipe that shows whether the program lives.
constexpr char kScript[] = R"(
exec 3<&0 </dev/null
wandb beta sync --live --yes "$1" 3<&- &
upload=$!
{ read -r line <&3; sleep "$2"; kill -9 0; } &
exec 3<&-
wait $upload
)";

std::vector<std::string> environment_with(bool resumes) {
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) all.emplace_back(*variable);
  if (resumes && !environment_variable("WANDB_RESUME")) all.emplace_back("WANDB_RESUME=allow");
  return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// How the process begins: in a group of its own, with signals as a shell leaves them, with these files only.
class Beginning {
 public:
  Beginning(int input, const std::string& output) {
    posix_spawn_file_actions_init(&files_);
    posix_spawn_file_actions_adddup2(&files_, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&files_, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    posix_spawn_file_actions_adddup2(&files_, STDOUT_FILENO, STDERR_FILENO);
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
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
  }
  ~Beginning() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  Beginning(const Beginning&) = delete;
  Beginning& operator=(const Beginning&) = delete;

  int spawn(std::vector<std::string> arguments, std::vector<std::string> variables, pid_t& process) {
    return posix_spawn(&process, arguments[0].c_str(), &files_, &attributes_, pointers_to(arguments).data(),
                       pointers_to(variables).data());
  }

 private:
  posix_spawn_file_actions_t files_;
  posix_spawnattr_t attributes_;
};

}  // namespace

bool LiveSync::is_installed() {
  const std::string path = environment_variable("PATH", "");
  for (const absl::string_view directory : absl::StrSplit(path, ':', absl::SkipEmpty())) {
    if (::access(absl::StrCat(directory, "/wandb").c_str(), X_OK) == 0) return true;
  }
  return false;
}

LiveSync::LiveSync(std::string run_directory, const LiveSyncOptions& options)
    : run_directory_(std::move(run_directory)), options_(options) {}

LiveSync::~LiveSync() { end(); }

absl::Status LiveSync::start() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return absl::UnavailableError(std::strerror(errno));
  alive_ = ends[1];
  const auto seconds = static_cast<int64_t>(absl::ToDoubleSeconds(options_.outlives));
  const int error = Beginning(ends[0], output())
                        .spawn({"/bin/sh", "-c", kScript, "wandb-sync", run_directory_, absl::StrCat(seconds)},
                               environment_with(options_.resumes), process_);
  ::close(ends[0]);
  if (error == 0) return absl::OkStatus();
  process_ = -1;
  return absl::UnavailableError(std::strerror(error));
}

void LiveSync::finish(absl::Duration at_most) {
  const absl::Time deadline = absl::Now() + at_most;
  while (!has_ended() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(50));
  end();
}

// It stays a zombie, so that its number still means its group.
bool LiveSync::has_ended() const {
  if (process_ < 0) return true;
  siginfo_t ended{};
  return waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid != 0;
}

void LiveSync::end() {
  if (process_ > 0) {
    ::kill(-process_, SIGKILL);
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) continue;
    process_ = -1;
  }
  if (alive_ >= 0) ::close(alive_);
  alive_ = -1;
}

}  // namespace downbeat
