#include "callbacks/vocabulary/training_arguments_checks.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <utility>

#include "callbacks/vocabulary/argument_values.h"
#include "callbacks/vocabulary/message.h"
#include "callbacks/vocabulary/supported_values.h"

namespace downbeat {
namespace {

// Every sentence begins with the name of a field, so that the command line can put -- before it.
template <class... Parts>
absl::Status wrong(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

absl::Status check_supported(const TrainingArguments& args) {
  absl::Status status;
  TrainingArguments::describe([&](const char* name, auto member, auto...) {
    const char* supported = supported_values(name);
    if (!supported || !status.ok()) return;
    const std::vector<std::string> allowed = split_names(supported);
    const std::string value = to_text(args.*member);
    if (std::count(allowed.begin(), allowed.end(), value) > 0) return;
    status = wrong(name, "=", value, " is not supported yet; allowed: ", absl::StrJoin(allowed, ", "));
  });
  return status;
}

// What HuggingFace itself refuses here or, for the optimizer's numbers and the seed, lets torch and numpy refuse; and
// what has no meaning at all.
absl::Status check_ranges(const TrainingArguments& args) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr double kLargest = std::numeric_limits<double>::max();
  absl::Status status;
  const auto between = [&](const char* name, auto value, double low, double high, const char* allowed) {
    const bool inside = value >= low && value <= high;  // NaN is not
    if (status.ok() && !inside) status = wrong(name, "=", to_text(value), " must be ", allowed);
  };
  between("per_device_train_batch_size", args.per_device_train_batch_size, 1, kInfinity, "at least 1");
  if (args.max_steps <= 0) between("num_train_epochs", args.num_train_epochs, 0, kLargest, "at least 0 and finite");
  between("learning_rate", args.learning_rate, 0, kInfinity, "at least 0");
  between("warmup_steps", args.warmup_steps, 0, kLargest, "at least 0 and finite");
  between("weight_decay", args.weight_decay, 0, kInfinity, "at least 0");
  const double below_one = std::nextafter(1.0, 0.0);
  between("adam_beta1", args.adam_beta1, 0, below_one, "at least 0 and below 1");
  between("adam_beta2", args.adam_beta2, 0, below_one, "at least 0 and below 1");
  between("adam_epsilon", args.adam_epsilon, 0, kInfinity, "at least 0");
  between("gradient_accumulation_steps", args.gradient_accumulation_steps, 1, kInfinity, "at least 1");
  between("per_device_eval_batch_size", args.per_device_eval_batch_size, 1, kInfinity, "at least 1");
  if (args.neftune_noise_alpha) between("neftune_noise_alpha", *args.neftune_noise_alpha, 0, kLargest, "at least 0");
  if (args.eval_accumulation_steps) {
    between("eval_accumulation_steps", *args.eval_accumulation_steps, 1, kInfinity, "at least 1");
  }
  between("dataloader_num_workers", args.dataloader_num_workers, 0, 1024, "between 0 and 1024");
  if (args.dataloader_prefetch_factor) {
    between("dataloader_prefetch_factor", *args.dataloader_prefetch_factor, 1, 1024, "between 1 and 1024");
    if (status.ok() && args.dataloader_num_workers == 0) {
      status = wrong("dataloader_prefetch_factor needs dataloader_num_workers of at least 1");
    }
  }
  between("seed", args.seed, 0, 4294967295, "between 0 and 4294967295");
  if (args.ddp_bucket_cap_mb) between("ddp_bucket_cap_mb", *args.ddp_bucket_cap_mb, 1, 1 << 20, "at least 1");
  between("ddp_timeout", args.ddp_timeout, 1, 1e9, "at least 1 second");
  return status;
}

absl::Status check_whole(const char* name, double steps) {
  if (steps <= 1 || (std::isfinite(steps) && steps == std::trunc(steps))) return absl::OkStatus();
  return wrong(name, "=", to_text(steps), " must be a whole number, or below 1 for a share of all steps");
}

absl::Status check_logging(const TrainingArguments& args) {
  if (args.logging_strategy != IntervalStrategy::steps) return absl::OkStatus();
  if (args.logging_steps <= 0) {
    return wrong("logging_steps=", to_text(args.logging_steps), " must be above 0, as logging_strategy is steps");
  }
  return check_whole("logging_steps", args.logging_steps);
}

absl::Status check_evaluation(const TrainingArguments& args) {
  if (args.eval_strategy != IntervalStrategy::steps) return absl::OkStatus();
  const double steps = args.eval_steps.value_or(0);
  if (steps == 0) return wrong("eval_strategy=steps needs eval_steps or logging_steps above 0");
  if (steps < 0) return wrong("eval_steps=", to_text(steps), " must be above 0, as eval_strategy is steps");
  return check_whole("eval_steps", steps);
}

bool follows_metric(const TrainingArguments& args) {
  return args.lr_scheduler_type == SchedulerType::reduce_lr_on_plateau ||
         args.lr_scheduler_type == SchedulerType::greedy;
}

absl::Status check_schedule(const TrainingArguments& args) {
  if (!follows_metric(args) || args.eval_strategy != IntervalStrategy::no) return absl::OkStatus();
  return wrong("lr_scheduler_type=", to_string(args.lr_scheduler_type),
               " follows a metric and needs evaluations: set eval_strategy to steps or epoch");
}

absl::Status check_metrics(const TrainingArguments& args) {
  for (const std::string& what : args.include_for_metrics) {
    if (what != "inputs" && what != "loss") {
      return wrong("include_for_metrics=", what, " is not known; allowed: inputs, loss");
    }
  }
  return absl::OkStatus();
}

absl::Status check_processes(const TrainingArguments& args) {
  if (args.ddp_backend.value_or("gloo") == "gloo") return absl::OkStatus();
  return wrong("ddp_backend=", *args.ddp_backend, " is not supported yet; allowed: gloo");
}

absl::Status check_saving(const TrainingArguments& args) {
  if (args.save_strategy == SaveStrategy::best && !args.metric_for_best_model) {
    return wrong("save_strategy=best needs metric_for_best_model");
  }
  if (args.save_strategy != SaveStrategy::steps) return absl::OkStatus();
  return check_whole("save_steps", args.save_steps);
}

// The best checkpoint can only be loaded if every evaluation that may be the best is followed by a save.
absl::Status check_best_model(const TrainingArguments& args) {
  if (!args.load_best_model_at_end || args.save_strategy == SaveStrategy::best) return absl::OkStatus();
  const std::string eval = to_string(args.eval_strategy), save = to_string(args.save_strategy);
  if (eval != save) {
    return wrong("load_best_model_at_end needs eval_strategy and save_strategy to be the same, or save_strategy=best; ",
                 "they are ", eval, " and ", save);
  }
  if (args.eval_strategy != IntervalStrategy::steps) return absl::OkStatus();
  const double eval_steps = *args.eval_steps, save_steps = args.save_steps;
  if (std::fmod(save_steps, eval_steps) == 0) return absl::OkStatus();
  if ((eval_steps < 1) != (save_steps < 1)) {
    return wrong("load_best_model_at_end needs save_steps=", to_text(save_steps),
                 " and eval_steps=", to_text(eval_steps), " to be both numbers of steps or both shares of all steps");
  }
  // HuggingFace's own test for shares, of which 0.3 and 0.1 are not quite what they seem.
  if (eval_steps < 1 && std::fmod(save_steps * 1e6, eval_steps * 1e6) == 0) return absl::OkStatus();
  return wrong("load_best_model_at_end needs save_steps=", to_text(save_steps),
               " to be a multiple of eval_steps=", to_text(eval_steps));
}

std::string with_home(const std::string& path) {
  const char* home = std::getenv("HOME");
  const bool begins_at_home = path == "~" || absl::StartsWith(path, "~/");
  return home && begins_at_home ? home + path.substr(1) : path;
}

void derive(TrainingArguments& args) {
  args.output_dir = with_home(args.output_dir);
  if (!args.disable_tqdm) args.disable_tqdm = log_level() > LogLevel::warning;
  if (args.eval_strategy != IntervalStrategy::no) args.do_eval = true;
  const bool needs_eval_steps = args.eval_strategy == IntervalStrategy::steps && args.eval_steps.value_or(0) == 0;
  if (needs_eval_steps && args.logging_steps > 0) args.eval_steps = args.logging_steps;
  if ((args.load_best_model_at_end || follows_metric(args)) && !args.metric_for_best_model)
    args.metric_for_best_model = "loss";
  if (args.metric_for_best_model && !args.greater_is_better) {
    args.greater_is_better = !absl::EndsWith(*args.metric_for_best_model, "loss");
  }
  if (args.report_to == std::vector<std::string>{"none"}) args.report_to.clear();
}

}  // namespace

absl::Status validate(const TrainingArguments& args) { return resolve(args).status(); }

absl::StatusOr<TrainingArguments> resolve(const TrainingArguments& args) {
  TrainingArguments resolved = args;
  derive(resolved);
  for (const auto check : {check_supported, check_ranges, check_logging, check_evaluation, check_schedule,
                           check_metrics, check_processes, check_saving, check_best_model}) {
    if (const absl::Status status = check(resolved); !status.ok()) return status;
  }
  return resolved;
}

const char* refusal(const std::string& name) {
  static const auto& all = *new std::map<std::string, const char*>{
#define DOWNBEAT_REFUSED(name, what) {#name, what},
#include "callbacks/vocabulary/refused_arguments.def"
#undef DOWNBEAT_REFUSED
  };
  const auto found = all.find(name);
  return found == all.end() ? nullptr : found->second;
}

}  // namespace downbeat
