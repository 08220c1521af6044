#include "trainer/trainer_checks.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "callbacks/vocabulary/message.h"
#include "callbacks/vocabulary/training_arguments_checks.h"
#include "trainer/distributed/process_environment.h"
#include "trainer/optim/create_scheduler.h"
#include "trainer/optim/optimizer_arguments.h"

namespace downbeat {
namespace {

void check_trackers(const TrainingArguments& args, const std::vector<std::string_view>& trackers) {
  for (const std::string& name : args.report_to) {
    const bool is_claimed = std::find(trackers.begin(), trackers.end(), name) != trackers.end();
    if (is_claimed || name == "none" || name == "all") continue;
    const std::vector<std::string> known(trackers.begin(), trackers.end());
    throw std::invalid_argument(absl::StrCat(
        "report_to=", name, " is asked for, but no callback in the tuple reports there",
        known.empty() ? "; this program has no trackers" : absl::StrCat("; there are ", absl::StrJoin(known, ", "))));
  }
}

// A mistake in the environment is said where the processes meet.
LogLevel log_level_of_this_process(const TrainingArguments& args) {
  const ProcessEnvironment process = read_process_environment().value_or(ProcessEnvironment());
  const bool is_main = args.log_on_each_node ? process.is_local_process_zero() : process.is_world_process_zero();
  return is_main ? args.log_level : args.log_level_replica;
}

}  // namespace

TrainingArguments checked_arguments(const TrainingArguments& args, bool has_eval_dataset,
                                    const std::vector<std::string_view>& trackers) {
  const absl::StatusOr<TrainingArguments> resolved = resolve(args);
  if (!resolved.ok()) throw std::invalid_argument(std::string(resolved.status().message()));
  check_scheduler(*resolved);
  static_cast<void>(OptimizerArguments(*resolved));
  if (resolved->eval_strategy != IntervalStrategy::no && !has_eval_dataset) {
    throw std::invalid_argument(absl::StrCat("eval_strategy=", to_string(resolved->eval_strategy),
                                             " needs an evaluation set; give one to Trainer or set eval_strategy=no"));
  }
  if (resolved->eval_on_start && !has_eval_dataset) {
    throw std::invalid_argument(
        "eval_on_start needs an evaluation set; give one to Trainer or set eval_on_start=false");
  }
  check_trackers(*resolved, trackers);
  set_log_level(log_level_of_this_process(*resolved));
  return *resolved;
}

}  // namespace downbeat
