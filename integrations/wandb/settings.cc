#include "integrations/wandb/settings.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_split.h>

#include <filesystem>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "integrations/support/environment.h"
#include "integrations/wandb/api_key.h"

namespace downbeat {
namespace {

constexpr std::size_t kLongestProject = 128;
constexpr std::size_t kLongestTag = 64;

bool has_any_of(const std::string& text, const char* characters) {
  return text.find_first_of(characters) != std::string::npos;
}

std::string project_of(const WandbOptions& options) {
  std::string project = chosen_setting(options.project, "WANDB_PROJECT", "huggingface");
  if (project.size() > kLongestProject || has_any_of(project, "/\\#?%:")) {
    refuse_setting("WANDB_PROJECT", project, "at most 128 characters long, without any of / \\ # ? % :");
  }
  return project;
}

std::string run_id_of(const WandbOptions& options) {
  std::string id = chosen_setting(options.run_id, "WANDB_RUN_ID");
  if (!id.empty() && !is_valid_run_id(id)) {
    refuse_setting("WANDB_RUN_ID", id,
                   "at most 128 characters long, without blanks at its ends and any of : ; , # ? / '");
  }
  return id;
}

std::vector<std::string> tags_of(const WandbOptions& options) {
  std::vector<std::string> tags = options.tags;
  if (const auto text = environment_variable("WANDB_TAGS"); text && tags.empty()) tags = absl::StrSplit(*text, ',');
  for (const std::string& tag : tags) {
    if (tag.empty() || tag.size() > kLongestTag) {
      refuse_setting("WANDB_TAGS", absl::StrJoin(tags, ","),
                     "a list of tags of 1 to 64 characters each, separated by commas");
    }
  }
  return tags;
}

WandbResume resume_of() {
  const std::string value = environment_variable("WANDB_RESUME", "");
  if (value.empty()) return WandbResume::none;
  if (value == "allow") return WandbResume::allow;
  if (value == "must") return WandbResume::must;
  if (value == "never") return WandbResume::never;
  if (value == "auto") return WandbResume::automatic;
  refuse_setting("WANDB_RESUME", value, "allow, must, never or auto");
}

// `run` and `dryrun` are the names of before.
void set_mode(const WandbOptions& options, WandbSettings& settings) {
  const std::string value = chosen_setting(options.mode, "WANDB_MODE");
  if (is_environment_true("WANDB_DISABLED") || value == "disabled") {
    settings.mode = WandbMode::disabled;
  } else if (value == "offline" || value == "dryrun") {
    settings.mode = WandbMode::offline;
  } else if (!value.empty() && value != "online" && value != "run") {
    refuse_setting("WANDB_MODE", value, "online, offline or disabled");
  } else if (!has_api_key()) {
    if (!value.empty()) {
      throw std::invalid_argument(absl::StrCat("WANDB_MODE is '", value, "' and there is no key for ", wandb_host(),
                                               ": set WANDB_API_KEY, run `wandb login`, or set WANDB_MODE=offline"));
    }
    settings.mode = WandbMode::offline;
    settings.is_without_key = true;
  }
}

void set_log_model(const WandbOptions& options, WandbSettings& settings) {
  const std::string value = chosen_setting(options.log_model, "WANDB_LOG_MODEL");
  if (value == "end") settings.log_model = WandbLogModel::end;
  if (value == "checkpoint") settings.log_model = WandbLogModel::checkpoint;
  if (settings.log_model == WandbLogModel::none && !value.empty() && value != "false") {
    settings.warnings.push_back(
        absl::StrCat("WANDB_LOG_MODEL is '", value, "', which means false: it can be false, end or checkpoint"));
  }
}

void set_watch(const WandbOptions& options, WandbSettings& settings) {
  const std::string value = chosen_setting(options.watch, "WANDB_WATCH");
  settings.watches_gradients = value == "gradients" || value == "all";
  settings.watches_parameters = value == "parameters" || value == "all";
  if (!settings.watches() && !value.empty() && value != "false") {
    settings.warnings.push_back(
        absl::StrCat("WANDB_WATCH is '", value, "', which means false: it can be false, gradients, parameters or all"));
  }
  settings.watch_steps = options.watch_steps;
}

std::string directory_of(const WandbOptions& options) {
  const std::string chosen_dir = with_home(chosen_setting(options.dir, "WANDB_DIR"));
  const std::filesystem::path root = chosen_dir.empty() ? "." : chosen_dir;
  std::error_code error;
  const bool has_hidden = std::filesystem::exists(root / ".wandb", error);
  const std::string name = has_hidden ? ".wandb" : "wandb";
  return chosen_dir.empty() ? name : (root / name).string();
}

// A name that the service takes: letters, digits, dashes, underscores and dots.
std::string artifact_name_of(const std::string& run_name) {
  std::string name = "model-" + run_name;
  for (char& c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_' && c != '.') c = '_';
  }
  return name.substr(0, 128);
}

}  // namespace

bool is_valid_run_id(const std::string& id) {
  return !id.empty() && id.size() <= 128 && !has_any_of(id, ":;,#?/'") && absl::StripAsciiWhitespace(id) == id &&
         id.find('\0') == std::string::npos;
}

WandbSettings resolve_settings(const WandbOptions& options, const TrainingArguments& args) {
  WandbSettings settings;
  set_mode(options, settings);
  if (settings.mode == WandbMode::disabled) return settings;
  if (options.watch_steps < 0)
    refuse_setting("WandbOptions::watch_steps", absl::StrCat(options.watch_steps), "0 or more");
  if (!(options.finish_timeout_seconds >= 0)) {
    refuse_setting("finish_timeout_seconds", absl::StrCat(options.finish_timeout_seconds), "0 or more");
  }
  settings.project = project_of(options);
  settings.entity = chosen_setting(options.entity, "WANDB_ENTITY");
  const std::string asked_name = options.name.empty() ? args.run_name.value_or("") : options.name;
  settings.name = chosen_setting(asked_name, "WANDB_NAME");
  if (!asked_name.empty() && asked_name != args.output_dir) settings.artifact_name = artifact_name_of(asked_name);
  settings.notes = chosen_setting(options.notes, "WANDB_NOTES");
  settings.group = chosen_setting(options.group, "WANDB_RUN_GROUP");
  settings.job_type = chosen_setting(options.job_type, "WANDB_JOB_TYPE");
  settings.tags = tags_of(options);
  settings.run_id = run_id_of(options);
  settings.resume = resume_of();
  settings.directory = directory_of(options);
  set_log_model(options, settings);
  set_watch(options, settings);
  settings.is_silent = is_environment_true("WANDB_SILENT");
  settings.finish_timeout = absl::Seconds(options.finish_timeout_seconds);
  return settings;
}

}  // namespace downbeat
