#include "integrations/mlflow/run.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "callbacks/vocabulary/message.h"
#include "integrations/mlflow/params.h"
#include "integrations/mlflow/text.h"
#include "integrations/support/files_below.h"
#include "integrations/support/json_text.h"
#include "integrations/support/machine.h"
#include "integrations/support/now.h"
#include "integrations/support/run_identity.h"

namespace downbeat {
namespace {

constexpr char kUri[] = "uri";
constexpr char kRunId[] = "run_id";
constexpr char kKey[] = "key";
constexpr char kOwnsStatus[] = "owns_status";

std::string status_of(const RunEnd& end) {
  if (end.how == RunEnd::How::kFailed) return "FAILED";
  return end.how == RunEnd::How::kInterrupted ? "KILLED" : "FINISHED";
}

std::string directory_of(const TrainingArguments& args, const std::string& name) {
  return args.output_dir + "/" + name;
}

MLflowTexts creation_tags(const MLflowSettings& settings) {
  MLflowTexts tags{
      {"mlflow.user", mlflow_user()}, {"mlflow.source.name", program_path()}, {"mlflow.source.type", "LOCAL"}};
  tags.insert(tags.end(), settings.tags.begin(), settings.tags.end());
  return tags;
}

}  // namespace

MLflowRun::MLflowRun(MLflowRunOptions options, MLflowSettings settings, const TrainingArguments& args,
                     const ModelDescription* model, const std::string& resumed_from)
    : options_(std::move(options)),
      settings_(std::move(settings)),
      start_(start_of(args, resumed_from)),
      metrics_(options_.tracker),
      run_({.tracker = options_.tracker, .directory = directory_of(args, options_.name), .start = start_},
           std::move(options_.destination)),
      writer_(
          options_.tracker,
          [this](const LogRecord& record) {
            metrics_.add(record, [this](const auto& entry, int64_t values) { add(entry, values); });
          },
          [this] { flush(); }) {
  const MLflowParams params = mlflow_params(args, model,
                                            {.tracker = options_.tracker,
                                             .flatten = settings_.flatten_params,
                                             .max_params = settings_.max_params,
                                             .is_resumed = !resumed_from.empty()});
  MLflowTexts tags = start_.is_resumed ? settings_.tags : MLflowTexts{};
  if (!params.cut.empty()) {
    tags.emplace_back("downbeat.truncated", cut(absl::StrJoin(params.cut, ", "), kMLflowTagBytes));
  }
  std::vector<nlohmann::json> entries = text_entries("params", params.params);
  for (auto& entry : text_entries("tags", tags)) entries.push_back(std::move(entry));
  writer_.post([this, entries = std::move(entries)] {
    for (const auto& entry : entries) run_.add(entry);
  });
}

MLflowRun::~MLflowRun() {
  if (!has_ended_) end({});
  writer_.drain();
  writer_.report_dropped();
  run_.finish(settings_.finish_timeout);
}

MLflowRunStart MLflowRun::start_of(const TrainingArguments& args, const std::string& resumed_from) const {
  MLflowRunStart start{.uri = options_.uri,
                       .key = random_hex(32),
                       .run_id = settings_.run_id,
                       .is_resumed = !settings_.run_id.empty(),
                       .owns_status = settings_.run_id.empty() || options_.owns_given_run,
                       .experiment_name = settings_.experiment_name,
                       .experiment_id = settings_.experiment_id,
                       .run_name = cut(args.run_name.value_or(""), kMLflowTagBytes),
                       .start_time = now_ms(),
                       .tags = creation_tags(settings_)};
  if (start.is_resumed || resumed_from.empty()) return start;
  const nlohmann::json before = run_of(resumed_from, options_.name).value_or(nlohmann::json::object());
  const std::string uri = text_named(before, kUri);
  const std::string key = text_named(before, kKey);
  if (uri.empty() || key.empty()) return start;
  if (uri != start.uri) {
    warn(absl::StrCat(options_.tracker, ": ", resumed_from, " was reported to ", uri, ": a new run begins at ",
                      start.uri));
    return start;
  }
  start.run_id = text_named(before, kRunId);
  start.key = key;
  start.owns_status = before.value(kOwnsStatus, nlohmann::json(true)) != false;
  start.is_resumed = true;
  return start;
}

void MLflowRun::save(const std::string& checkpoint_directory) {
  writer_.post([this, checkpoint_directory] {
    if (settings_.log_artifacts) add_artifacts(checkpoint_directory);
    note_in(checkpoint_directory);
  });
}

void MLflowRun::end(const RunEnd& end) {
  has_ended_ = true;
  if (!start_.owns_status) return;
  writer_.post([this, entry = end_entry(status_of(end), now_ms())] {
    flush();
    run_.add(entry);
  });
}

void MLflowRun::flush() {
  metrics_.flush([this](const auto& entry, int64_t values) { add(entry, values); });
  run_.wake();
}

void MLflowRun::note_in(const std::string& checkpoint_directory) {
  const std::string id = start_.run_id.empty() ? run_.run_id() : start_.run_id;
  note_run(options_.tracker, checkpoint_directory, options_.name,
           {{kUri, start_.uri}, {kRunId, id}, {kKey, start_.key}, {kOwnsStatus, start_.owns_status}});
}

void MLflowRun::add_artifacts(const std::string& checkpoint_directory) {
  const std::string name = std::filesystem::path(checkpoint_directory).lexically_normal().filename().string();
  std::error_code ignored;  // a checkpoint that save_total_limit takes away meanwhile
  for (const std::string& file : files_below(checkpoint_directory, ignored)) {
    const std::string from = checkpoint_directory + "/" + file;
    const std::string path = name + "/" + file;
    if (options_.artifact_directory.empty()) {
      run_.add_artifact(from, path);
      continue;
    }
    const SendResult copied = copy_artifact(from, options_.artifact_directory, path);
    if (copied.what == SendResult::What::sent) continue;
    warn(absl::StrCat(options_.tracker, ": not all of ", checkpoint_directory, " is copied to ",
                      options_.artifact_directory, ": ", copied.reason));
    return;
  }
}

}  // namespace downbeat
