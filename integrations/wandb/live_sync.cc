#include "integrations/wandb/live_sync.h"

#include <absl/time/clock.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "integrations/support/environment.h"

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

}  // namespace

bool LiveSync::is_installed() { return program_on_path("wandb").has_value(); }

LiveSync::LiveSync(std::string run_directory, const LiveSyncOptions& options)
    : run_directory_(std::move(run_directory)), options_(options) {}

LiveSync::~LiveSync() { end(); }

absl::Status LiveSync::start() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return absl::UnavailableError(std::strerror(errno));
  alive_ = ends[1];
  const int log = ::open(output().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const auto seconds = static_cast<int64_t>(absl::ToDoubleSeconds(options_.outlives));
  std::vector<std::string> variables;
  if (options_.resumes && !environment_variable("WANDB_RESUME")) variables.emplace_back("WANDB_RESUME=allow");
  const absl::Status started =
      program_.start({"/bin/sh", "-c", kScript, "wandb-sync", run_directory_, absl::StrCat(seconds)},
                     {.input = ends[0], .output = log, .errors = log}, variables);
  ::close(ends[0]);
  if (log >= 0) ::close(log);
  return started;
}

void LiveSync::finish(absl::Duration at_most) {
  const absl::Time deadline = absl::Now() + at_most;
  while (!program_.has_ended() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(50));
  end();
}

void LiveSync::end() {
  program_.end();
  if (alive_ >= 0) ::close(std::exchange(alive_, -1));
}

}  // namespace downbeat
