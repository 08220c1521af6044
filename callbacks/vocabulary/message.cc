#include "callbacks/vocabulary/message.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <utility>

namespace downbeat {
namespace {

// Never destroyed: a message may come from the destructor of another static object.
struct Sink {
  std::recursive_mutex mutex;
  std::atomic<LogLevel> level = LogLevel::warning;
  std::vector<MessageHooks*> hooks;
  std::vector<ScopedMessageCapture*> captures;
};

Sink& sink() {
  static Sink& only = *new Sink;
  return only;
}

}  // namespace

void write_message(LogLevel level, absl::string_view text) {
  if (level < sink().level) return;
  const std::string line = absl::StrCat("downbeat: ", to_string(level), ": ", text);
  const std::lock_guard lock(sink().mutex);
  if (!sink().captures.empty()) return sink().captures.back()->lines_.push_back(line);
  for (auto hook = sink().hooks.rbegin(); hook != sink().hooks.rend(); ++hook) (*hook)->before_();
  std::fputs((line + "\n").c_str(), stderr);
  for (MessageHooks* hook : sink().hooks) hook->after_();
}

void debug(absl::string_view text) { write_message(LogLevel::debug, text); }
void info(absl::string_view text) { write_message(LogLevel::info, text); }
void warn(absl::string_view text) { write_message(LogLevel::warning, text); }
void error(absl::string_view text) { write_message(LogLevel::error, text); }

void set_log_level(LogLevel level) {
  if (level != LogLevel::passive) sink().level = level;
}
LogLevel log_level() { return sink().level; }

std::recursive_mutex& terminal_mutex() { return sink().mutex; }

MessageHooks::MessageHooks(std::function<void()> before, std::function<void()> after)
    : before_(std::move(before)), after_(std::move(after)) {
  const std::lock_guard lock(sink().mutex);
  sink().hooks.push_back(this);
}
MessageHooks::~MessageHooks() {
  const std::lock_guard lock(sink().mutex);
  std::erase(sink().hooks, this);
}

ScopedMessageCapture::ScopedMessageCapture() {
  const std::lock_guard lock(sink().mutex);
  sink().captures.push_back(this);
}
ScopedMessageCapture::~ScopedMessageCapture() {
  const std::lock_guard lock(sink().mutex);
  std::erase(sink().captures, this);
}

std::vector<std::string> ScopedMessageCapture::lines() const {
  const std::lock_guard lock(sink().mutex);
  return lines_;
}
std::string ScopedMessageCapture::text() const {
  const std::vector<std::string> all = lines();
  return all.empty() ? "" : absl::StrCat(absl::StrJoin(all, "\n"), "\n");
}

}  // namespace downbeat
