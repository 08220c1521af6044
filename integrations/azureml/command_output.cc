#include "integrations/azureml/command_output.h"

#include <absl/time/clock.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <utility>

#include "integrations/support/child_process.h"

namespace downbeat {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr int kLookEveryMs = 10;

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) != 0) ends_ = {-1, -1};
    ::fcntl(ends_[1], F_SETFL, 0);  // the program's end waits as usual
  }
  ~Pipe() {
    ::close(ends_[0]);
    close_write_end();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int write_end() const { return ends_[1]; }
  void close_write_end() { ::close(std::exchange(ends_[1], -1)); }

  // All that is there now. Not until its end: something that the program leaves behind may hold the pipe open.
  void read_to(std::string& text) {
    std::array<char, 4096> buffer;
    ssize_t count = 0;
    while (text.size() <= kMostBytes && (count = ::read(ends_[0], buffer.data(), buffer.size())) > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    if (count == 0) is_open_ = false;
  }

  void wait() const {
    pollfd output{.fd = is_open_ ? ends_[0] : -1, .events = POLLIN, .revents = 0};
    ::poll(&output, 1, kLookEveryMs);
  }

 private:
  std::array<int, 2> ends_{};
  bool is_open_ = true;
};

}  // namespace

std::optional<std::string> output_of(std::vector<std::string> command, absl::Duration at_most) {
  const absl::Time deadline = absl::Now() + at_most;
  Pipe pipe;
  ChildProcess program;
  if (!program.start(std::move(command), {.output = pipe.write_end()}).ok()) return std::nullopt;
  pipe.close_write_end();
  std::string text;
  while (text.size() <= kMostBytes && absl::Now() < deadline) {
    const bool is_all = program.has_ended();
    pipe.read_to(text);
    if (is_all) return program.ended_well() && text.size() <= kMostBytes ? std::optional(text) : std::nullopt;
    pipe.wait();
  }
  return std::nullopt;
}

}  // namespace downbeat
