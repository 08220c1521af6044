// CometOnline: sends the lines of a run's directory to the service while the run goes on.
//
//   CometOnline online(directory, options);
//   online.wake();                             // there are new lines
//   if (online.finish(absl::Seconds(60), now)) directory.remove();
//
// The experiment is made with the first line. Until it has ended the service is told in the rhythm that it asks for
// that the run is alive.
#pragma once

#include <absl/time/time.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

#include "integrations/comet/comet_requests.h"
#include "integrations/comet/comet_run_directory.h"
#include "integrations/support/http_client.h"
#include "integrations/support/spool_sender.h"

namespace downbeat {

struct CometOnlineOptions {
  std::string server;
  std::string api_key;
  bool may_exist = false;  // the experiment: its key was given, and it is not to be a new one
  bool must_exist = false;
  double requests_per_second = 10;
  absl::Duration request_timeout = absl::Seconds(30);
  absl::Duration retry_after = absl::Seconds(1);
};

class CometOnline {
 public:
  CometOnline(CometRunDirectory& directory, const CometOnlineOptions& options);
  ~CometOnline();
  CometOnline(const CometOnline&) = delete;
  CometOnline& operator=(const CometOnline&) = delete;

  void wake() { sender_->wake(); }

  // Sends for at most that long what is still there. True when the service has taken everything.
  bool finish(absl::Duration at_most, int64_t stop_ms);

 private:
  SendResult send(const std::string& line);
  SendResult open();
  SendResult find();
  SendResult create();
  std::optional<SendResult> choose_workspace();
  absl::StatusOr<HttpResponse> request(const HttpRequest& request);
  void beat();

  CometRunDirectory& directory_;
  const CometOnlineOptions options_;
  const CometRequests requests_;
  HttpClient client_;

  // Of the sending thread.
  std::string workspace_;
  bool is_open_ = false;
  bool is_resumed_ = false;
  bool was_asked_for_ = false;   // a creation whose answer was lost
  std::string closed_for_good_;  // why
  absl::Time next_request_ = absl::InfinitePast();

  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_beating_ = false;
  bool ends_ = false;
  HttpClient beating_client_;
  std::thread heart_;
  std::unique_ptr<SpoolSender> sender_;  // last: its thread uses the others
};

}  // namespace downbeat
