#include "integrations/support/background_writer.h"

#include <absl/strings/str_cat.h>

#include <exception>
#include <utility>

#include "callbacks/vocabulary/message.h"
#include "integrations/support/background_thread.h"
#include "integrations/support/now.h"

namespace downbeat {

BackgroundWriter::BackgroundWriter(std::string name, std::function<void(const LogRecord&)> write,
                                   std::function<void()> flush, const BackgroundWriterOptions& options)
    : name_(std::move(name)),
      write_(std::move(write)),
      flush_(std::move(flush)),
      options_(options),
      queue_(options.limit),
      thread_(background_thread([this] { run(); })) {}

BackgroundWriter::~BackgroundWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void BackgroundWriter::log(const TrainerState& state, const Logs& logs) { push(state, logs, false); }
void BackgroundWriter::predicted(const TrainerState& state, const Metrics& metrics) { push(state, metrics, true); }

void BackgroundWriter::push(const TrainerState& state, const Logs& logs, bool is_prediction) {
  queue_.push(state.global_step, state.epoch, now_us(), is_prediction, logs);
}

void BackgroundWriter::post(absl::AnyInvocable<void()> task) { queue_.push(std::move(task)); }

void BackgroundWriter::flush() {
  {
    const std::lock_guard lock(mutex_);
    ++asked_;
  }
  changed_.notify_all();
}

void BackgroundWriter::drain() {
  std::unique_lock lock(mutex_);
  const int64_t mine = ++asked_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return done_ >= mine; });
}

void BackgroundWriter::report_dropped() const {
  if (queue_.dropped() == 0) return;
  warn(absl::StrCat(name_, ": ", queue_.dropped(),
                    " values were dropped, as the disk took them up more slowly than they came"));
}

void BackgroundWriter::run() {
  std::unique_lock lock(mutex_);
  bool last = false;
  while (!last) {
    changed_.wait_for(lock, absl::ToChronoMilliseconds(options_.period),
                      [this] { return stopping_ || asked_ > done_; });
    last = stopping_;
    const int64_t asked = asked_;
    lock.unlock();
    write_all();
    lock.lock();
    done_ = asked;
    changed_.notify_all();
  }
}

void BackgroundWriter::write_all() {
  bool found = false;
  // Again after a failure: what stands behind the line that failed is still to be written.
  for (bool again = true; again;) {
    again = false;
    attempt([&] {
      again = true;
      while (queue_.pop([this](const LogRecord& record) { attempt([&] { write_(record); }); })) found = true;
      again = false;
    });
  }
  if (found) attempt(flush_);
}

void BackgroundWriter::attempt(const std::function<void()>& body) {
  try {
    body();
  } catch (const std::exception& exception) {
    if (!std::exchange(warned_, true)) warn(absl::StrCat(name_, ": not everything can be written: ", exception.what()));
  }
}

}  // namespace downbeat
