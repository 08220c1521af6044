#include "integrations/comet/comet_online.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <utility>

#include "callbacks/vocabulary/message.h"
#include "integrations/support/background_thread.h"
#include "integrations/support/json_text.h"

namespace downbeat {
namespace {

using Json = nlohmann::ordered_json;
using What = SendResult::What;

constexpr absl::Duration kUsualBeat = absl::Seconds(10);

HttpClientOptions client_options(const CometOnlineOptions& options) {
  return {.timeout = options.request_timeout, .authorization = options.api_key};
}

// An empty object where the answer is none.
Json object_in(const absl::StatusOr<HttpResponse>& response) {
  if (!response.ok()) return Json::object();
  Json answer = Json::parse(response->body, nullptr, /*allow_exceptions=*/false);
  return answer.is_object() ? answer : Json::object();
}

absl::Duration beat_in(const Json& answer) {
  const auto period = answer.find("isAliveBeatDurationMillis");
  if (period == answer.end() || !period->is_number()) return kUsualBeat;
  return std::clamp(absl::Milliseconds(period->get<double>()), absl::Seconds(1), absl::Minutes(10));
}

}  // namespace

CometOnline::CometOnline(CometRunDirectory& directory, const CometOnlineOptions& options)
    : directory_(directory),
      options_(options),
      requests_(options.server),
      client_(client_options(options)),
      workspace_(directory.experiment().workspace),
      beating_client_(client_options(options)),
      heart_(background_thread([this] { beat(); })) {
  sender_ = std::make_unique<SpoolSender>(
      "Comet", directory_.spool(), [this](const std::string& line) { return send(line); },
      SpoolSenderOptions{.server = options_.server,
                         .credentials = "COMET_API_KEY",
                         .says_what_stays = false,
                         .client = &client_,
                         .first_delay = options_.retry_after});
}

CometOnline::~CometOnline() {
  sender_.reset();
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  beating_client_.cancel_at(absl::Now());
  heart_.join();
}

bool CometOnline::finish(absl::Duration at_most, int64_t stop_ms) {
  if (!sender_->finish(at_most)) return false;
  const CometExperiment& experiment = directory_.experiment();
  std::optional<int64_t> start_ms = experiment.start_ms;
  if (is_resumed_) start_ms.reset();  // it keeps its own
  const auto answer = request(requests_.times(experiment.key, start_ms, stop_ms));
  return result_of(answer).what == What::sent;
}

SendResult CometOnline::send(const std::string& line) {
  if (const SendResult opened = open(); opened.what != What::sent) return opened;
  const auto message = requests_.message(directory_.key(), Json::parse(line), directory_.path());
  return message ? result_of(request(*message)) : SendResult{};
}

// Finds or makes the experiment, once. What makes that impossible holds for all further lines.
SendResult CometOnline::open() {
  if (is_open_) return {};
  if (!closed_for_good_.empty()) return {What::refused, closed_for_good_};
  SendResult result{What::refused, ""};
  if (options_.may_exist || was_asked_for_) {
    result = find();
    is_resumed_ = result.what == What::sent && !was_asked_for_;
  }
  if (result.what == What::refused && !options_.must_exist) result = create();
  if (result.what == What::refused) {
    closed_for_good_ = absl::StrCat(
        options_.must_exist ? "there is no such experiment: " : "no experiment can be made: ", result.reason);
    result.reason = closed_for_good_;
  }
  if (result.what != What::sent) return result;
  is_open_ = true;
  {
    const std::lock_guard lock(mutex_);
    is_beating_ = true;
  }
  changed_.notify_all();
  return {};
}

SendResult CometOnline::find() {
  const auto response = request(requests_.metadata(directory_.key()));
  SendResult result = result_of(response);
  // A service need not say whether there is an experiment that it would not show; creating it tells a wrong key.
  if (response.ok() && response->status == 403) result.what = What::refused;
  return result;
}

SendResult CometOnline::create() {
  if (workspace_.empty()) {
    if (const auto failed = choose_workspace()) return *failed;
  }
  const std::string project = directory_.experiment().project_name;
  was_asked_for_ = true;
  const auto response = request(requests_.create(directory_.key(), workspace_, project.empty() ? "general" : project));
  SendResult result = result_of(response);
  if (result.what != What::sent) return result;
  const Json answer = object_in(response);
  if (const std::string key = text_named(answer, "experimentKey"); !key.empty()) directory_.set_key(key);
  if (const std::string link = text_named(answer, "link"); !link.empty()) info("Comet: " + link);
  return {};
}

// Nothing when there is one now.
std::optional<SendResult> CometOnline::choose_workspace() {
  const auto response = request(requests_.workspaces());
  SendResult result = result_of(response);
  if (result.what != What::sent) return result;
  const Json answer = object_in(response);
  const auto names = answer.find("workspaceNames");
  if (names == answer.end() || !names->is_array() || names->empty() || !names->front().is_string()) {
    return SendResult{What::refused, "COMET_WORKSPACE is not set and the service names none"};
  }
  workspace_ = names->front();
  return std::nullopt;
}

// At most so many a second as the options say.
absl::StatusOr<HttpResponse> CometOnline::request(const HttpRequest& request) {
  if (options_.requests_per_second > 0) {
    absl::SleepFor(next_request_ - absl::Now());
    next_request_ = std::max(next_request_, absl::Now()) + absl::Seconds(1 / options_.requests_per_second);
  }
  return client_.send(request);
}

void CometOnline::beat() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return is_beating_ || ends_; });
  while (!ends_) {
    lock.unlock();
    const Json answer = object_in(beating_client_.send(requests_.heartbeat(directory_.key())));
    lock.lock();
    changed_.wait_for(lock, absl::ToChronoMilliseconds(beat_in(answer)), [this] { return ends_; });
  }
}

}  // namespace downbeat
