#include "integrations/comet/comet.h"

#include <absl/strings/str_cat.h>
#include <absl/time/time.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <utility>
#include <variant>
#include <vector>

#include "callbacks/vocabulary/message.h"
#include "integrations/comet/comet_messages.h"
#include "integrations/comet/comet_online.h"
#include "integrations/comet/comet_run_directory.h"
#include "integrations/comet/comet_settings.h"
#include "integrations/support/background_writer.h"
#include "integrations/support/environment.h"
#include "integrations/support/files_below.h"
#include "integrations/support/json_text.h"
#include "integrations/support/log_name.h"
#include "integrations/support/machine.h"
#include "integrations/support/now.h"
#include "integrations/support/run_identity.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// What `comet upload` takes of a metric by default; it picks that many of more.
constexpr int64_t kPointsOfUpload = 15000;

// What the run is, as far as the archive says it before the first line of logs.
std::vector<Json> description_of(const TrainingArguments& args, const ModelDescription* model, bool is_online,
                                 int64_t time_ms) {
  std::vector<Json> messages{comet_file_name(program_path()), comet_system_details()};
  if (!is_online) messages.push_back(comet_other("offline_experiment", true));
  if (args.run_name) messages.push_back(comet_other("Name", *args.run_name));
  if (model != nullptr) messages.push_back(comet_graph(model->text()));
  Json parameters = {{"args", arguments_of_run(args)}};
  if (Json config = config_of_model(model); !config.empty()) parameters["config"] = std::move(config);
  for (const auto& [name, value] : flatten(parameters, "|")) messages.push_back(comet_parameter(name, value, time_ms));
  messages.push_back(comet_other("hasNestedParams", true));
  messages.push_back(comet_other("Created from", "transformers"));
  return messages;
}

}  // namespace

// A run from its first event to the end of the callback.
class CometCallback::Run {
 public:
  Run(const CometOptions& options, CometSettings settings, const std::string& resumed_key,
      const TrainingArguments& args, const ModelDescription* model);
  ~Run();

  void log(const TrainerState& state, const Logs& logs) { writer_->log(state, logs); }
  void predicted(const TrainerState& state, const Metrics& metrics) { writer_->predicted(state, metrics); }
  void note_in(const std::string& checkpoint_directory);
  void end_training(const std::string& output_dir, int64_t step);

 private:
  // All on the writer's thread.
  void zip_left_over();
  void start(CometExperiment experiment, bool may_exist, const std::vector<Json>& description);
  void write(const LogRecord& record);
  void count_point(const std::string& name);
  void keep_assets(const std::string& output_dir, int64_t step);
  void flush();

  void zip(bool was_online);

  const CometOptions options_;
  const CometSettings settings_;
  std::set<std::string> skipped_;  // keys of text
  std::map<std::string, int64_t> points_;
  bool warned_of_points_ = false;
  std::unique_ptr<CometRunDirectory> directory_;
  std::unique_ptr<CometOnline> online_;
  std::unique_ptr<BackgroundWriter> writer_;  // last: its thread uses the others
};

CometCallback::Run::Run(const CometOptions& options, CometSettings settings, const std::string& resumed_key,
                        const TrainingArguments& args, const ModelDescription* model)
    : options_(options), settings_(std::move(settings)) {
  const bool goes_on = settings_.mode != "create";
  const std::string given = settings_.experiment_key.empty() && goes_on ? resumed_key : settings_.experiment_key;
  if (given.empty() && settings_.mode == "get") {
    throw std::invalid_argument(
        "COMET_MODE is get, which needs COMET_EXPERIMENT_KEY or a checkpoint of the experiment");
  }
  const bool may_exist = goes_on && !given.empty();
  CometExperiment experiment{.key = given.empty() ? random_hex(32) : given,
                             .workspace = settings_.workspace,
                             .project_name = settings_.project_name,
                             .start_ms = now_ms()};
  // Online a part of the run may have made the experiment before the archive is sent.
  if (may_exist || settings_.is_online) experiment.resume_strategy = goes_on ? settings_.mode : "get_or_create";
  std::vector<Json> description = description_of(args, model, settings_.is_online, experiment.start_ms);
  if (settings_.lacks_key) {
    warn(absl::StrCat("Comet: COMET_API_KEY is not set, so the run is kept in ", settings_.offline_directory,
                      "; `comet upload` sends its archive"));
  }
  writer_ = std::make_unique<BackgroundWriter>(
      "Comet", [this](const LogRecord& record) { write(record); }, [this] { flush(); });
  writer_->post([this] { zip_left_over(); });
  writer_->post([this, experiment = std::move(experiment), may_exist, description = std::move(description)] {
    start(experiment, may_exist, description);
  });
}

CometCallback::Run::~Run() {
  writer_->drain();
  writer_->report_dropped();
  writer_.reset();
  if (directory_ == nullptr) return;
  const bool was_online = online_ != nullptr;
  const bool is_complete = was_online && online_->finish(absl::Seconds(options_.finish_timeout_seconds), now_ms());
  online_.reset();
  if (!was_online) directory_->spool().report_lost();
  if (is_complete) {
    directory_->remove();
  } else {
    zip(was_online);
  }
}

void CometCallback::Run::zip(bool was_online) {
  const absl::StatusOr<std::string> archive = directory_->zip(now_ms());
  if (!archive.ok()) {
    warn(absl::StrCat("Comet: ", std::string(archive.status().message()), "; the run is kept in ", directory_->path(),
                      ", and the next run that reports to the same COMET_OFFLINE_DIRECTORY zips it"));
  } else if (archive->empty()) {
    warn("Comet: nothing of the run could be kept");
  } else if (was_online) {
    warn(absl::StrCat("Comet: ", settings_.server,
                      " has not taken all of the run; it is kept as a whole, with what has arrived already, in ",
                      *archive, "; to send it: comet upload ", *archive));
  } else {
    info(absl::StrCat("Comet: the run is kept in ", *archive, "; to send it: comet upload ", *archive));
  }
}

void CometCallback::Run::zip_left_over() {
  const ZippedRuns left_over = zip_left_over_runs(settings_.offline_directory);
  for (const std::string& archive : left_over.archives) {
    warn(absl::StrCat("Comet: an earlier run ended before its archive was made; it is in ", archive,
                      " now; to send it: comet upload ", archive));
  }
  for (const std::string& failure : left_over.failures) {
    warn(absl::StrCat("Comet: an earlier run cannot be zipped: ", failure));
  }
}

void CometCallback::Run::start(CometExperiment experiment, bool may_exist, const std::vector<Json>& description) {
  directory_ = std::make_unique<CometRunDirectory>(settings_.offline_directory, std::move(experiment));
  for (const Json& message : description) directory_->append(message);
  if (!settings_.is_online) return;
  online_ = std::make_unique<CometOnline>(
      *directory_, CometOnlineOptions{.server = settings_.server,
                                      .api_key = settings_.api_key,
                                      .may_exist = may_exist,
                                      .must_exist = settings_.mode == "get",
                                      .requests_per_second = options_.requests_per_second,
                                      .request_timeout = absl::Seconds(options_.request_timeout_seconds),
                                      .retry_after = absl::Seconds(options_.retry_after_seconds)});
  online_->wake();
}

void CometCallback::Run::write(const LogRecord& record) {
  for (const auto& [key, value] : record.logs) {
    const std::string name = rewrite_log_name(key);
    const Json message = comet_metric(name, value, record.step, record.epoch, record.time_us / 1000);
    if (!message.is_null()) {
      if (directory_->append(message, /*values=*/1)) count_point(name);
    } else if (skipped_.insert(key).second) {
      warn(absl::StrCat("Comet: ", key, " is \"", std::get<std::string>(value),
                        "\", and a metric must be a number; it is skipped"));
    }
  }
}

void CometCallback::Run::count_point(const std::string& name) {
  if (++points_[name] <= kPointsOfUpload || std::exchange(warned_of_points_, true)) return;
  warn(absl::StrCat("Comet: ", name, " has more than ", kPointsOfUpload,
                    " points; all are kept, and `comet upload` picks that many of them (log less often with "
                    "logging_steps)"));
}

void CometCallback::Run::flush() {
  directory_->write_experiment();
  if (online_ != nullptr) online_->wake();
}

void CometCallback::Run::note_in(const std::string& checkpoint_directory) {
  writer_->post([this, checkpoint_directory] {
    note_run("Comet", checkpoint_directory, std::string(report_to_name), {{"experiment_key", directory_->key()}});
  });
}

void CometCallback::Run::end_training(const std::string& output_dir, int64_t step) {
  if (settings_.log_assets) writer_->post([this, output_dir, step] { keep_assets(output_dir, step); });
  writer_->drain();
}

// Named as HuggingFace's: with the last part of output_dir in front.
void CometCallback::Run::keep_assets(const std::string& output_dir, int64_t step) {
  fs::path root = fs::path(with_home(output_dir)).lexically_normal();
  if (root.filename().empty()) root = root.parent_path();
  int64_t missing = 0;
  std::string why;
  std::error_code ignored;
  for (const std::string& file : files_below(root.string(), ignored, settings_.offline_directory)) {
    const absl::Status status =
        directory_->add_asset((root / file).string(), (root.filename() / file).string(), step, now_ms());
    if (status.ok()) continue;
    ++missing;
    why = std::string(status.message());
  }
  if (missing > 0) warn(absl::StrCat("Comet: ", missing, " files of ", output_dir, " are not kept: ", why));
  flush();
}

CometCallback::CometCallback(CometOptions options) : options_(std::move(options)) {}
CometCallback::~CometCallback() = default;
CometCallback::CometCallback(CometCallback&&) noexcept = default;
CometCallback& CometCallback::operator=(CometCallback&&) noexcept = default;

void CometCallback::on_init_end() { comet_settings(options_); }

void CometCallback::on_load_checkpoint(const TrainingArguments& args, const Checkpoint& checkpoint) {
  if (args.report_to_new_run) return;
  const auto identity = run_of(checkpoint.directory, std::string(report_to_name));
  if (identity) resumed_key_ = text_named(*identity, "experiment_key");
}

void CometCallback::begin(const TrainingArguments& args, const ModelDescription* model) {
  if (run_ != nullptr || is_disabled_) return;
  CometSettings settings = comet_settings(options_);
  is_disabled_ = !settings.is_enabled;
  if (is_disabled_) {
    warn(absl::StrCat("Comet: COMET_MODE is ", settings.mode,
                      ", which is none of get_or_create, create and get; nothing is reported"));
    return;
  }
  run_ = std::make_unique<Run>(options_, std::move(settings), resumed_key_, args, model);
}

void CometCallback::log(const TrainingArguments& args, const TrainerState& state, const Logs& logs,
                        const ModelDescription* model) {
  begin(args, model);
  if (run_ != nullptr) run_->log(state, logs);
}

void CometCallback::predicted(const TrainingArguments& args, const TrainerState& state, const Metrics& metrics,
                              const ModelDescription* model) {
  begin(args, model);
  if (run_ != nullptr) run_->predicted(state, metrics);
}

void CometCallback::on_save(const Checkpoint& checkpoint) {
  if (run_ != nullptr) run_->note_in(checkpoint.directory);
}

void CometCallback::on_train_end(const TrainingArguments& args, const TrainerState& state) {
  if (run_ != nullptr) run_->end_training(args.output_dir, state.global_step);
}

}  // namespace downbeat
