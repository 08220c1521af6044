#include "integrations/mlflow/spooled_run.h"

#include <absl/time/clock.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/message.h"
#include "integrations/support/json_text.h"
#include "integrations/support/machine.h"

namespace downbeat {
namespace {

using What = SendResult::What;

std::string new_spool_path(const std::string& directory) {
  return absl::StrCat(directory, "/", local_time("%Y%m%d-%H%M%S", absl::Now()), "-", random_hex(6), "/spool.jsonl");
}

std::string replay_command(const std::string& path) { return absl::StrCat("`downbeat-mlflow-replay ", path, "`"); }

}  // namespace

SpooledRun::SpooledRun(SpooledRunOptions options, std::unique_ptr<MLflowDestination> destination)
    : options_(std::move(options)),
      destination_(std::move(destination)),
      spool_(options_.tracker, new_spool_path(options_.directory)) {
  run_.start = options_.start;
  run_.directory = std::filesystem::path(spool_.path()).parent_path().string();
  run_.may_exist = run_.start.is_resumed;
  beginning_ = json_line(run_entry(run_.start));
  if (!destination_) return;
  earlier_paths_ = unfinished_spools(options_.directory);
  std::reverse(earlier_paths_.begin(), earlier_paths_.end());
  sender_.emplace(
      options_.tracker, spool_, [this](const std::string& line) { return send(line); },
      SpoolSenderOptions{.server = destination_->name(),
                         .credentials = destination_->credentials(),
                         .replay = replay_command(spool_.path()),
                         .client = destination_->client()});
}

SpooledRun::~SpooledRun() = default;

void SpooledRun::add(const nlohmann::json& entry, int64_t values) {
  if (beginning_ && spool_.append(*beginning_)) beginning_.reset();
  // After a failure append() refuses for a while, and counts: so nothing gets in before the beginning.
  spool_.append(json_line(entry), values);
}

void SpooledRun::wake() {
  if (sender_) sender_->wake();
}

void SpooledRun::add_artifact(const std::string& file, const std::string& path) {
  const std::string kept = absl::StrCat("artifacts/", path);
  const std::filesystem::path link = std::filesystem::path(run_.directory) / kept;
  std::error_code error;
  std::filesystem::create_directories(link.parent_path(), error);
  if (!error) std::filesystem::remove(link, error);  // of the same step once more
  if (!error) std::filesystem::create_hard_link(file, link, error);
  std::error_code ignored;
  add(artifact_entry(error ? std::filesystem::absolute(file, ignored).string() : kept, path));
}

void SpooledRun::finish(absl::Duration at_most) {
  if (!sender_) {
    spool_.report_lost();
    if (spool_.is_empty()) return;
    warn(absl::StrCat(options_.tracker, ": the run is kept in ", spool_.path(),
                      "; to send it: ", replay_command(absl::StrCat(spool_.path(), " URI"))));
    return;
  }
  if (sender_->finish(at_most)) remove_spool(spool_);
  sender_.reset();
}

std::string SpooledRun::run_id() {
  const std::lock_guard lock(mutex_);
  return run_id_;
}

SendResult SpooledRun::send(const std::string& line) {
  SendResult result = send_earlier();
  if (result.what != What::sent) return result;
  result = destination_->send(nlohmann::json::parse(line), run_);
  if (run_.id.empty()) {
    if (result.what == What::refused) result.what = What::failed;  // all that follows belongs to the run: it waits
    return result;
  }
  const std::lock_guard lock(mutex_);
  run_id_ = run_.id;
  return result;
}

SendResult SpooledRun::send_earlier() {
  while (earlier_ || open_earlier()) {
    SendResult result = earlier_->send_all(*destination_);
    if (result.what == What::failed || result.what == What::unauthorized) return result;
    const std::string& why = result.what == What::refused ? result.reason : earlier_->refusal();
    if (!why.empty()) {
      warn(absl::StrCat(options_.tracker, ": ", destination_->name(), " does not take all of an earlier run (", why,
                        "), which stays in ", options_.directory));
    }
    earlier_.reset();
  }
  return {};
}

// False: there is none left.
bool SpooledRun::open_earlier() {
  while (!earlier_paths_.empty()) {
    const std::string path = std::move(earlier_paths_.back());
    earlier_paths_.pop_back();
    const auto start = run_start_in(path);
    if (!start.ok()) continue;
    if (start->uri != options_.start.uri) {
      warn(absl::StrCat(options_.tracker, ": an earlier run is for ", start->uri, " and not sent to ",
                        options_.start.uri, "; to send it: ", replay_command(path)));
      continue;
    }
    auto opened = SpoolReplay::open(options_.tracker, path);
    if (!opened.ok()) continue;  // its program still runs
    earlier_ = std::move(*opened);
    return true;
  }
  return false;
}

}  // namespace downbeat
