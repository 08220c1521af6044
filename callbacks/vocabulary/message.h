// The one sink for what the library wants to tell a person: warnings and information, a line each, on standard error.
//
//   warn("the checkpoint's save_steps=500 win over save_steps=100");      // downbeat: warning: the checkpoint's ...
//   set_log_level(args.log_level);                                         // as HuggingFace's: warning unless asked
//
// All functions may be called from any thread. Numbers of a run go to Logs, mistakes to a thrown sentence or a status.
#pragma once

#include <absl/strings/string_view.h>

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "callbacks/vocabulary/argument_types.h"

namespace downbeat {

void debug(absl::string_view text);
void info(absl::string_view text);
void warn(absl::string_view text);
void error(absl::string_view text);

void set_log_level(LogLevel level);  // messages below it are dropped; passive changes nothing
LogLevel log_level();

// Held while a message is written. Who draws on the terminal holds it meanwhile, so that a message of another thread
// never lands in the middle. Recursive: a message may be sent while it is held.
std::recursive_mutex& terminal_mutex();

// For a progress bar: while this object lives, `before` takes the bar's line away ahead of each message and `after`
// draws it again. Both are called with terminal_mutex() held, must not throw and must not send messages.
class MessageHooks {
 public:
  MessageHooks(std::function<void()> before, std::function<void()> after);
  ~MessageHooks();
  MessageHooks(const MessageHooks&) = delete;
  MessageHooks& operator=(const MessageHooks&) = delete;

 private:
  friend void write_message(LogLevel, absl::string_view);
  std::function<void()> before_, after_;
};

// For tests: while this object lives, messages are kept instead of written. The innermost one gets them.
class ScopedMessageCapture {
 public:
  ScopedMessageCapture();
  ~ScopedMessageCapture();
  ScopedMessageCapture(const ScopedMessageCapture&) = delete;
  ScopedMessageCapture& operator=(const ScopedMessageCapture&) = delete;

  std::vector<std::string> lines() const;  // "downbeat: warning: ...", without the line's end
  std::string text() const;                // all lines, each with its end

 private:
  friend void write_message(LogLevel, absl::string_view);
  std::vector<std::string> lines_;
};

}  // namespace downbeat
