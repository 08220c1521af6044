#include "integrations/report_to_these.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "callbacks/vocabulary/nearest_name.h"

namespace downbeat {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Those of HuggingFace's trackers that Downbeat has, whether or not this program is built with them.
const std::vector<std::string> kTrackers = {"tensorboard", "wandb", "comet_ml", "mlflow", "azure_ml", "codecarbon"};

void check(const std::string& name, const std::vector<std::string>& trackers) {
  if (name == "all" || name == "none" || contains(trackers, name)) return;
  const std::string there = absl::StrJoin(trackers, ", ");
  if (contains(kTrackers, name)) {
    throw std::invalid_argument(
        absl::StrCat("report_to=", name, " is not built into this program; there are ", there, ", all and none"));
  }
  throw std::invalid_argument(
      absl::StrCat("report_to=", name, " is none of ", there, ", all and none", did_you_mean(name, trackers)));
}

}  // namespace

std::vector<bool> asked_trackers(const TrainingArguments& args, const std::vector<std::string>& trackers) {
  for (const std::string& name : args.report_to) check(name, trackers);
  const bool all = contains(args.report_to, "all");
  std::vector<bool> asked;
  for (const std::string& name : trackers) {
    const bool is_shadowed = name == "azure_ml" && contains(trackers, "mlflow");
    asked.push_back(contains(args.report_to, name) || (all && !is_shadowed));
  }
  return asked;
}

}  // namespace downbeat
