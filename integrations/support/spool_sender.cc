#include "integrations/support/spool_sender.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "callbacks/vocabulary/message.h"
#include "integrations/support/background_thread.h"

namespace downbeat {
namespace {

using What = SendResult::What;

std::string short_text(const std::string& body) {
  std::string text = body.substr(0, 300);
  std::replace_if(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

}  // namespace

SendResult result_of(const absl::StatusOr<HttpResponse>& response) {
  if (!response.ok()) {
    const bool is_lost = absl::IsNotFound(response.status());  // a file to be uploaded is gone
    return {is_lost ? What::refused : What::failed, std::string(response.status().message())};
  }
  if (response->status < 400) return {};
  constexpr std::array kPassing = {408, 429, 500, 502, 503, 504};
  const bool passes = std::find(kPassing.begin(), kPassing.end(), response->status) != kPassing.end();
  const bool is_unauthorized = response->status == 401 || response->status == 403;
  return {is_unauthorized ? What::unauthorized : (passes ? What::failed : What::refused),
          absl::StrCat("it answers ", response->status, response->body.empty() ? "" : ": ", short_text(response->body)),
          response->retry_after};
}

SpoolSender::SpoolSender(std::string tracker, Spool& spool, Send send, SpoolSenderOptions options)
    : tracker_(std::move(tracker)),
      spool_(spool),
      send_(std::move(send)),
      options_(std::move(options)),
      thread_(background_thread([this] { run(); })) {}

SpoolSender::~SpoolSender() {
  {
    const std::lock_guard lock(mutex_);
    finishing_ = true;
    deadline_ = std::min(deadline_, absl::Now());
    if (options_.client != nullptr) options_.client->cancel_at(deadline_);
  }
  changed_.notify_all();
  thread_.join();
}

void SpoolSender::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

bool SpoolSender::finish(absl::Duration at_most) {
  std::unique_lock lock(mutex_);
  finishing_ = true;
  deadline_ = absl::Now() + at_most;
  if (options_.client != nullptr) options_.client->cancel_at(deadline_);
  changed_.notify_all();
  changed_.wait(lock, [this] { return ended_; });
  spool_.report_lost();
  if (spool_.is_empty()) return refused_ == 0;
  if (!options_.says_what_stays) return false;
  warn(absl::StrCat(tracker_, ": what ", options_.server, " has not taken is kept in ", spool_.path(),
                    options_.replay.empty() ? "" : "; to send it: ", options_.replay));
  return false;
}

void SpoolSender::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return woken_ || finishing_; });
    woken_ = false;
    const bool is_last = finishing_;
    if (!given_up_) send_all(lock);
    if (is_last) break;
  }
  ended_ = true;
  changed_.notify_all();
}

// Returns when everything is sent, the credentials are refused, or the time of finish() is over.
void SpoolSender::send_all(std::unique_lock<std::mutex>& lock) {
  while (absl::Now() < deadline_) {
    lock.unlock();
    const std::optional<std::string> entry = spool_.first();
    SendResult result;
    if (entry) {
      try {
        result = send_(*entry);
      } catch (const std::exception& exception) {
        result = {What::refused, exception.what()};
      }
      if (result.what == What::sent || result.what == What::refused) spool_.acknowledge();
    }
    lock.lock();
    if (!entry || !note(result)) return;
    if (result.what == What::failed) {
      if (finishing_ && failures_ > 3) return;  // it is down, not busy
      wait_after_failure(lock, result);
    }
  }
}

// Counts and warns. False when sending ends for good.
bool SpoolSender::note(const SendResult& result) {
  failures_ = result.what == What::failed ? failures_ + 1 : 0;
  switch (result.what) {
    case What::sent:
      return true;
    case What::failed:
      if (!std::exchange(warned_of_failure_, true)) {
        warn(absl::StrCat(tracker_, ": ", options_.server, " cannot be reached (", result.reason,
                          "); training goes on, everything is kept in ", spool_.path(), " and sent when it is back"));
      }
      return true;
    case What::unauthorized:
      given_up_ = true;
      warn(absl::StrCat(tracker_, ": ", options_.server, " refuses the credentials (", result.reason, "); check ",
                        options_.credentials, "; training goes on, everything is kept in ", spool_.path()));
      return false;
    case What::refused:
      ++refused_;
      if (!std::exchange(warned_of_refusal_, true)) {
        warn(absl::StrCat(tracker_, ": ", options_.server, " does not take a request (", result.reason,
                          "); it is passed over, and stays in ", spool_.path()));
      }
      return true;
  }
  return true;
}

void SpoolSender::wait_after_failure(std::unique_lock<std::mutex>& lock, const SendResult& result) {
  const absl::Duration delay = result.retry_after.value_or(next_delay());
  const bool was_finishing = finishing_;
  const absl::Time until = std::min(absl::Now() + delay, deadline_);
  // finish() cuts a long wait short once; a Retry-After is kept.
  changed_.wait_until(lock, absl::ToChronoTime(until), [&] {
    return absl::Now() >= deadline_ || (finishing_ && !was_finishing && !result.retry_after);
  });
}

absl::Duration SpoolSender::next_delay() {
  const double factor = static_cast<double>(int64_t{1} << std::min(failures_ - 1, 20));
  const absl::Duration delay = std::min(options_.first_delay * factor, options_.longest_delay);
  return delay * absl::Uniform(random_, 0.5, 1.0);
}

}  // namespace downbeat
