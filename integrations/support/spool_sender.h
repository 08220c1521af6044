// SpoolSender: sends the entries of a spool to a server, in order, on a thread of its own, as long as it takes.
//
//   const auto send = [&](const std::string& entry) { return result_of(client.send(request(entry))); };
//   SpoolSender sender("MLflow", spool, send, {.replay = "`downbeat-mlflow-replay runs/a/mlflow/1/spool.jsonl`"});
//   sender.wake();                       // there is a new entry
//   sender.finish(absl::Seconds(60));    // sends what it can in that time and ends
//
// What fails for a reason that passes (no connection, 408, 429, 5xx) is tried again: after 1 s, 2 s, ... 60 s with
// jitter, or after what Retry-After says. 401 and 403 end the sending until the next program. What the server refuses
// otherwise is passed over. Each of these is one warning, whatever the number of entries; the entries stay in the
// spool.
#pragma once

#include <absl/random/random.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "integrations/support/http_client.h"
#include "integrations/support/spool.h"

namespace downbeat {

struct SendResult {
  enum class What {
    sent,
    failed,        // worth another try
    unauthorized,  // the credentials are missing or wrong
    refused        // never to be sent again
  };
  What what = What::sent;
  std::string reason = {};  // for the warning
  std::optional<absl::Duration> retry_after = {};
};

// What an answer means for the entry. 401 and 403 are `unauthorized`; 408, 429, 500, 502, 503, 504 and failures of the
// network `failed`; other codes from 400 on `refused`.
SendResult result_of(const absl::StatusOr<HttpResponse>& response);

struct SpoolSenderOptions {
  std::string server = {};       // as the warnings call it
  std::string credentials = {};  // names the environment variables to set, for 401 and 403
  std::string replay = {};       // what to do to send later what stayed, after "to send it: "
  bool says_what_stays = true;   // false: finish() leaves that to its caller
  HttpClient* client = nullptr;  // whose request is broken off when the time of finish() is over
  absl::Duration first_delay = absl::Seconds(1);
  absl::Duration longest_delay = absl::Seconds(60);
};

class SpoolSender {
 public:
  using Send = std::function<SendResult(const std::string& entry)>;

  SpoolSender(std::string tracker, Spool& spool, Send send, SpoolSenderOptions options);
  ~SpoolSender();  // without finish(): ends after the request under way
  SpoolSender(const SpoolSender&) = delete;
  SpoolSender& operator=(const SpoolSender&) = delete;

  void wake();

  // Sends for at most that long what is still there; a server that has not answered lately gets one more try. True when
  // everything was sent. What stays is said in one line, with what to do.
  bool finish(absl::Duration at_most);

 private:
  void run();
  void send_all(std::unique_lock<std::mutex>& lock);
  bool note(const SendResult& result);
  void wait_after_failure(std::unique_lock<std::mutex>& lock, const SendResult& result);
  absl::Duration next_delay();

  const std::string tracker_;
  Spool& spool_;
  const Send send_;
  const SpoolSenderOptions options_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  bool finishing_ = false;
  bool given_up_ = false;  // unauthorized
  bool ended_ = false;
  absl::Time deadline_ = absl::InfiniteFuture();
  int failures_ = 0;  // in a row
  bool warned_of_failure_ = false;
  bool warned_of_refusal_ = false;
  int64_t refused_ = 0;
  absl::BitGen random_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace downbeat
