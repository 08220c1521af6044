// ChildProcess: another program beside this one.
//
//   ChildProcess az;
//   if (const auto path = program_on_path("az")) az.start({*path, "version"}, {.output = write_end});
//   while (!az.has_ended()) ...
//
// It runs in a group of processes of its own, with the signals as a shell leaves them: an interrupt at the terminal
// does not reach it, and what it starts ends with it. No shell is between: the words arrive as they are. Of this
// program's files it has none but those it is given.
#pragma once

#include <absl/status/status.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace downbeat {

// The path of the first program of that name in PATH.
std::optional<std::string> program_on_path(const std::string& name);

// Open file descriptors of this program, which stay its own; -1 is /dev/null.
struct ChildFiles {
  int input = -1;
  int output = -1;
  int errors = -1;
};

class ChildProcess {
 public:
  ChildProcess() = default;
  ~ChildProcess() { end(); }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // `variables` (NAME=value) are added to those of this program. Once.
  absl::Status start(std::vector<std::string> command, const ChildFiles& files,
                     const std::vector<std::string>& variables = {});

  bool is_started() const { return process_ > 0; }
  bool has_ended();                                // by itself
  bool ended_well() const { return ended_well_; }  // with exit code 0, where it has ended

  void end();  // kills it, and what it started; waits until it is gone

 private:
  pid_t process_ = -1;  // and its group
  bool ended_well_ = false;
};

}  // namespace downbeat
