#include "integrations/wandb/run.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/time/time.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <functional>
#include <set>
#include <stdexcept>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "callbacks/vocabulary/message.h"
#include "callbacks/vocabulary/python_json.h"
#include "integrations/support/json_text.h"
#include "integrations/support/log_name.h"
#include "integrations/support/machine.h"
#include "integrations/support/now.h"
#include "integrations/support/run_identity.h"
#include "integrations/support/run_parameters.h"
#include "integrations/support/small_file.h"
#include "integrations/wandb/api_key.h"
#include "integrations/wandb/git_state.h"
#include "integrations/wandb/previous_rows.h"
#include "integrations/wandb/run_directory.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr char kTracker[] = "W&B";  // for warnings
constexpr char kName[] = "wandb";   // in checkpoints
constexpr char kGlobalStep[] = "train/global_step";
constexpr char kNumParameters[] = "model/num_parameters";
constexpr char kArchitecture[] = "model_architecture.txt";
constexpr int64_t kStatsEvery = 15'000'000;  // microseconds, as the official client
constexpr int kKilled = 255;                 // exit code of a run that was interrupted, as the official client's

WandbItem item(std::string name, const Json& value) { return {.names = {std::move(name)}, .json = python_json(value)}; }
WandbItem nested_item(std::string name, std::string below, const Json& value) {
  return {.names = {std::move(name), std::move(below)}, .json = python_json(value)};
}

Json json_of(const Logs::Value& value) {
  return std::visit([](const auto& held) { return Json(held); }, value);
}

// HuggingFace puts these into the summary only, under their own names.
bool is_of_whole_run(const std::string& name) {
  constexpr std::array kNames = {"train_runtime", "train_samples_per_second", "train_steps_per_second", "train_loss",
                                 "total_flos"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::string new_run_id() { return random_text(8, "abcdefghijklmnopqrstuvwxyz0123456789"); }

std::string resume_file_of(const WandbSettings& settings) { return settings.directory + "/wandb-resume.json"; }

// WANDB_RESUME=auto: the run of the directory that did not end well.
std::string id_of_unfinished_run(const WandbSettings& settings) {
  const auto noted = nlohmann::json::parse(read_small_file(resume_file_of(settings)).value_or(""), nullptr,
                                           /*allow_exceptions=*/false);
  const std::string id = text_named(noted, "run_id");
  return is_valid_run_id(id) ? id : "";
}

std::optional<WandbIdentity> identity_in(const std::string& checkpoint_directory) {
  if (checkpoint_directory.empty()) return std::nullopt;
  const std::optional<nlohmann::json> noted = run_of(checkpoint_directory, kName);
  if (!noted) return std::nullopt;
  try {
    WandbIdentity identity{.run_id = noted->at("run_id"),
                           .resumes = true,
                           .next_step = noted->at("next_step"),
                           .runtime = noted->value("runtime", 0.0),
                           .directory = noted->value("directory", "")};
    if (is_valid_run_id(identity.run_id) && identity.next_step >= 0) return identity;
  } catch (const nlohmann::json::exception&) {  // somebody else's file
  }
  return std::nullopt;
}

std::string shell_word(const std::string& text) {
  const bool is_plain = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("/._-+,:@%", c);
  });
  return is_plain ? text : absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

// What uploads the run: with its earlier parts that no program was given yet.
std::string sync_command(const WandbSettings& settings, const WandbIdentity& identity, const std::string& directory) {
  std::string command = identity.resumes ? "WANDB_RESUME=allow wandb sync" : "wandb sync";
  if (identity.resumes) {
    for (const std::string& file : files_of_run(settings.directory, identity.run_id)) {
      std::error_code error;
      const fs::path part = fs::path(file).parent_path();
      const bool is_taken = fs::exists(file + ".synced", error) || fs::exists(part / "logs/sync.log", error);
      if (!is_taken) absl::StrAppend(&command, " ", shell_word(part.string()));
    }
  }
  return absl::StrCat(command, " ", shell_word(directory));
}

WandbRunDescription description_of(const WandbSettings& settings, const std::string& run_id, int64_t start_us) {
  return {.run_id = run_id,
          .entity = settings.entity,
          .project = settings.project,
          .group = settings.group,
          .job_type = settings.job_type,
          .display_name = settings.name,
          .notes = settings.notes,
          .tags = settings.tags,
          .start_time_us = start_us};
}

WandbItems config_of(const TrainingArguments& args, const ModelDescription* model,
                     std::optional<int64_t> num_parameters) {
  WandbItems items;
  const Json parameters = run_parameters(args, model);
  for (const auto& [name, value] : parameters.items()) items.push_back(item(name, value));
  if (num_parameters) items.push_back(item(kNumParameters, *num_parameters));
  return items;
}

// Python's round(epoch, 2), printed.
std::string rounded(double epoch) {
  double value = 0;
  return absl::SimpleAtod(absl::StrFormat("%.2f", epoch), &value) ? python_float(value) : python_float(epoch);
}

// Of a checkpoint: what belongs to the model and not to the training.
bool is_of_model(const std::string& path) {
  static const std::set<std::string>& others =
      *new std::set<std::string>{"optimizer.pt", "optimizer.bin", "scheduler.pt", "scaler.pt", "trainer_state.json"};
  return !others.contains(path) && !absl::StartsWith(path, "rng_state") && !is_run_identity(path) &&
         !absl::StrContains(path, '/');
}

Json num_parameters_json(std::optional<int64_t> count) { return count ? Json(*count) : Json(); }

}  // namespace

WandbIdentity identity_of_run(const WandbSettings& settings, const std::string& checkpoint_directory) {
  const bool may_resume = settings.resume != WandbResume::never;
  const std::optional<WandbIdentity> noted = may_resume ? identity_in(checkpoint_directory) : std::nullopt;
  if (noted && (settings.run_id.empty() || settings.run_id == noted->run_id)) return *noted;

  WandbIdentity identity{.run_id = settings.run_id,
                         .resumes = may_resume && settings.resume != WandbResume::none && !settings.run_id.empty()};
  if (identity.run_id.empty() && settings.resume == WandbResume::must) {
    throw std::invalid_argument(
        "WANDB_RESUME is 'must' and there is no run to resume: set WANDB_RUN_ID, or resume from a checkpoint of one");
  }
  if (identity.run_id.empty() && settings.resume == WandbResume::automatic) {
    identity.run_id = id_of_unfinished_run(settings);
    identity.resumes = !identity.run_id.empty();
  }
  if (identity.run_id.empty()) identity.run_id = new_run_id();
  return identity;
}

WandbRun::WandbRun(WandbSettings settings, WandbIdentity identity, const TrainingArguments& args,
                   const ModelDescription* model)
    : settings_(std::move(settings)),
      identity_(std::move(identity)),
      start_us_(now_us()),
      directory_(make_run_directory(settings_.directory, absl::FromUnixMicros(start_us_), identity_.run_id)),
      sync_command_(sync_command(settings_, identity_, directory_)),
      num_parameters_(model != nullptr ? std::optional(model->num_parameters()) : std::nullopt),
      description_(description_of(settings_, identity_.run_id, start_us_)),
      file_(absl::StrCat(directory_, "/run-", identity_.run_id, ".wandb")),
      writer_(kTracker, [this](const LogRecord& record) { write(record); }, [] {}) {
  writer_.post([this, config = config_of(args, model, num_parameters_)] { begin(config); });
  if (settings_.log_model == WandbLogModel::none || model == nullptr) return;

  const Json config = config_of_model(model);
  Json metadata{{"model_config", config.empty() ? Json() : config},
                {"num_parameters", *num_parameters_},
                {"initial_model", true}};
  writer_.post([this, directory = next_artifact_directory(), text = model->text() + "\n", metadata] {
    const absl::Status written = write_small_file(directory + "/" + kArchitecture, text);
    if (!written.ok()) return warn(absl::StrCat("W&B: the artifact of the model: ", written.message()));
    log_artifact({.source = {}, .directory = directory}, metadata, {"base_model"});
  });
}

WandbRun::~WandbRun() {
  writer_.post([this] { finish(); });
  writer_.drain();
}

void WandbRun::watch(const TrainerState& state, const ModelDescription& model) {
  const int64_t step = state.global_step + 1;  // the one that these gradients are for: it is counted at its end
  const int64_t every = settings_.watch_steps > 0 ? settings_.watch_steps : std::max<int64_t>(100, state.logging_steps);
  if (step % every != 0) return;
  Histograms found;
  const auto add_as = [&found](const char* kind) {
    return [&found, kind](const std::string& name, const std::vector<float>& values) {
      if (auto histogram = watched_histogram(values)) {
        found.emplace_back(absl::StrCat(kind, "/", name), *std::move(histogram));
      }
    };
  };
  if (settings_.watches_parameters) model.visit_parameters(add_as("parameters"));
  if (settings_.watches_gradients) model.visit_gradients(add_as("gradients"));
  writer_.post([this, step, found = std::move(found)]() mutable {
    histograms_ = std::move(found);
    watched_step_ = step;
  });
}

void WandbRun::save(const TrainerState& state, const Checkpoint& checkpoint) {
  last_checkpoint_ = checkpoint;
  writer_.post([this, directory = checkpoint.directory] {
    note_run(kTracker, directory, kName,
             {{"run_id", identity_.run_id},
              {"next_step", identity_.next_step},
              {"runtime", runtime_at(now_us())},
              {"directory", fs::absolute(directory_).lexically_normal().string()}});
  });
  if (settings_.log_model != WandbLogModel::checkpoint) return;

  writer_.post([this, files = link_files(checkpoint.directory, next_artifact_directory(), std::not_fn(is_run_identity)),
                aliases = std::vector{absl::StrCat("epoch_", rounded(state.epoch)),
                                      absl::StrCat("checkpoint_global_step_", state.global_step)}] {
    Json metadata = numbers_of_summary();
    metadata[kNumParameters] = num_parameters_json(num_parameters_);
    log_artifact(files, metadata, aliases);
  });
}

void WandbRun::end(const TrainingArguments& args, const TrainerState& state, const RunEnd& end) {
  const bool failed = end.how == RunEnd::How::kFailed;
  const bool interrupted = end.how == RunEnd::How::kInterrupted;
  writer_.post([this, code = failed ? 1 : interrupted ? kKilled : 0] { exit_code_ = code; });
  if (settings_.log_model != WandbLogModel::none && !failed && !interrupted) keep_final_model(args, state);
  writer_.drain();
}

void WandbRun::keep_final_model(const TrainingArguments& args, const TrainerState& state) {
  const bool has_best = args.load_best_model_at_end && state.best_model_checkpoint.has_value();
  const std::string source = has_best ? *state.best_model_checkpoint : last_checkpoint_.directory;
  if (source.empty()) {
    return warn(
        "W&B: there is no artifact final_model, as this run saved no checkpoint: set save_strategy to steps or epoch");
  }
  if (!has_best && last_checkpoint_.step != state.global_step) {
    warn(absl::StrCat("W&B: the artifact final_model holds the model of step ", last_checkpoint_.step,
                      ", the last checkpoint"));
  }
  Json best{
      {"eval/" + args.metric_for_best_model.value_or("loss"), state.best_metric ? Json(*state.best_metric) : Json()},
      {"train/total_floss", state.total_flos},
      {kNumParameters, num_parameters_json(num_parameters_)}};
  const std::string architecture = absl::StrCat(directory_, "/artifacts/1/", kArchitecture);
  writer_.post([this, files = link_files(source, next_artifact_directory(), is_of_model), architecture,
                best = args.load_best_model_at_end ? best : Json()] {
    std::error_code error;
    fs::copy_file(architecture, files.directory + "/" + kArchitecture, error);
    Json metadata = best.is_null() ? numbers_of_summary() : best;
    metadata["final_model"] = true;
    log_artifact(files, metadata, {"final_model"});
  });
}

std::string WandbRun::next_artifact_directory() { return absl::StrCat(directory_, "/artifacts/", ++artifacts_); }

void WandbRun::begin(const WandbItems& config) {
  if (identity_.resumes) {
    std::set<std::string> directories{settings_.directory};
    if (!identity_.directory.empty()) directories.insert(fs::path(identity_.directory).parent_path().string());
    for (const std::string& directory : directories) {
      for (const std::string& file : files_of_run(directory, identity_.run_id)) {
        identity_.next_step = std::max(identity_.next_step, next_step_in_file(file));
      }
    }
  }
  const GitState git = git_state();
  const WandbMachine machine = machine_of_run();
  description_.git_commit = git.commit;
  description_.git_remote = git.remote;
  description_.host = machine.host;
  file_.hold({header_record(), run_record(description_)});
  file_.hold(metric_records());
  file_.hold({config_record(config), environment_record(machine, description_)});
  append({}, 0);
  if (settings_.resume == WandbResume::automatic) {
    write_small_file(resume_file_of(settings_), Json{{"run_id", identity_.run_id}}.dump()).IgnoreError();
  }
}

// The official program looks at the file at once, so it begins when the first records are in it.
void WandbRun::begin_upload() {
  if (std::exchange(is_upload_begun_, true)) return;
  complete_run_directory(directory_);
  if (settings_.is_without_key && !settings_.is_silent) {
    warn(absl::StrCat("W&B: there is no key for ", wandb_host(),
                      " (WANDB_API_KEY, or `wandb login`), so the run is only ", "written to ", directory_, "; `",
                      sync_command_, "` uploads it later"));
  }
  if (settings_.mode != WandbMode::online) return;
  if (!LiveSync::is_installed()) {
    return warn(
        absl::StrCat("W&B: there is no program `wandb` on PATH (pip install wandb), so the run is only written to ",
                     directory_, "; `", sync_command_, "` uploads it later"));
  }
  live_ = std::make_unique<LiveSync>(directory_, LiveSyncOptions{.resumes = identity_.resumes});
  const absl::Status started = live_->start();
  if (started.ok()) return;
  live_ = nullptr;
  warn(absl::StrCat("W&B: the program `wandb` cannot be started: ", started.message(), "; the run is written to ",
                    directory_, ", and `", sync_command_, "` uploads it later"));
}

bool WandbRun::append(const std::vector<std::string>& records, int64_t values) {
  const bool is_kept = file_.append(records, values);
  if (is_kept) begin_upload();
  return is_kept;
}

void WandbRun::write(const LogRecord& record) {
  WandbItems row;
  WandbItems summary;
  for (const auto& [name, value] : record.logs) {
    if (!record.is_prediction && is_of_whole_run(name)) {
      summary.push_back(item(name, json_of(value)));
    } else if (const std::string rewritten = rewrite_log_name(name); rewritten != kGlobalStep) {
      row.push_back(item(rewritten, json_of(value)));
    }
  }
  if (!record.is_prediction) add_histograms(row);
  const double runtime = runtime_at(record.time_us);
  row.push_back(item(kGlobalStep, record.step));
  row.push_back(item("_timestamp", static_cast<double>(record.time_us) / 1e6));
  row.push_back(item("_runtime", runtime));
  row.push_back(item("_step", identity_.next_step));
  summary.insert(summary.end(), row.begin(), row.end());
  summary.push_back(nested_item("_wandb", "runtime", static_cast<int64_t>(runtime)));
  remember(summary);
  const bool is_kept = append({summary_record(summary), history_record(identity_.next_step, row)},
                              static_cast<int64_t>(record.logs.size()));
  if (is_kept) ++identity_.next_step;
  write_stats(record.time_us);
}

void WandbRun::add_histograms(WandbItems& row) {
  for (const auto& [name, histogram] : histograms_) {
    row.push_back(nested_item(name, "_type", "histogram"));
    row.push_back(nested_item(name, "values", histogram.counts));
    row.push_back(nested_item(name, "bins", histogram.edges));
  }
  histograms_.clear();
}

void WandbRun::remember(const WandbItems& summary) {
  for (const WandbItem& value : summary) summary_[value.names] = value.json;
}

void WandbRun::write_stats(int64_t time_us) {
  if (time_us < next_stats_us_) return;
  next_stats_us_ = time_us + kStatsEvery;
  append({stats_record(time_us, stats_.now())}, 0);
}

void WandbRun::log_artifact(const StagedFiles& files, Json metadata, std::vector<std::string> aliases) {
  const absl::Status copied = copy_rest(files);
  auto contents = copied.ok() ? contents_of(files.directory) : copied;
  if (!contents.ok()) {
    return warn(absl::StrCat("W&B: the artifact ", aliases.front(), " cannot be kept: ", contents.status().message()));
  }
  aliases.push_back("latest");
  const std::string name = settings_.artifact_name.empty() ? "model-" + identity_.run_id : settings_.artifact_name;
  append({artifact_record({.name = name,
                           .metadata = python_json(metadata),
                           .aliases = std::move(aliases),
                           .files = *std::move(contents)},
                          description_)},
         0);
}

Json WandbRun::numbers_of_summary() const {
  Json numbers = Json::object();
  for (const auto& [names, json] : summary_) {
    const auto value = parse_python_json(json);
    if (names.size() != 1 || absl::StartsWith(names[0], "_") || !value.ok() || !value->is_number()) continue;
    numbers[names[0]] = std::isfinite(value->get<double>()) ? *value : Json();
  }
  return numbers;
}

void WandbRun::finish() {
  if (!histograms_.empty()) {
    write({.step = watched_step_, .epoch = 0, .time_us = now_us(), .is_prediction = false, .logs = {}});
  }
  const auto runtime = static_cast<int64_t>(runtime_at(now_us()));
  remember({nested_item("_wandb", "runtime", runtime), item("_runtime", runtime)});
  WandbItems all;
  for (const auto& [names, json] : summary_) all.push_back({.names = names, .json = json});
  file_.try_again();
  append({summary_record(all), exit_record(exit_code_, runtime)}, 0);
  if (settings_.resume == WandbResume::automatic && exit_code_ == 0) {
    std::error_code error;
    fs::remove(resume_file_of(settings_), error);
  }
  if (live_) live_->finish(settings_.finish_timeout);
  say_how_it_ended();
}

void WandbRun::say_how_it_ended() {
  writer_.report_dropped();
  file_.report_lost();
  std::error_code error;
  const bool is_uploaded = fs::exists(file_.path() + ".synced", error);
  if (live_ && !is_uploaded) {
    warn(absl::StrCat("W&B: the upload did not come to its end (", live_->output(), "); the run is in ", directory_,
                      ", and `", sync_command_, "` uploads it"));
  } else if (!live_ && !settings_.is_silent && file_.is_begun()) {
    info(absl::StrCat("W&B: the run is in ", directory_, "; `", sync_command_, "` uploads it"));
  }
}

double WandbRun::runtime_at(int64_t time_us) const {
  return identity_.runtime + static_cast<double>(time_us - start_us_) / 1e6;
}

}  // namespace downbeat
