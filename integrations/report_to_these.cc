#include "integrations/report_to_these.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "callbacks/vocabulary/nearest_name.h"
#include "integrations/support/environment.h"

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

// Both write to one place, so `all` takes one of them: in a job of AzureML its own, elsewhere MLflow.
std::string twin_left_out(const std::vector<std::string>& trackers) {
  if (!contains(trackers, "mlflow") || !contains(trackers, "azure_ml")) return "";
  return absl::StartsWith(environment_variable("MLFLOW_TRACKING_URI", ""), "azureml:") ? "mlflow" : "azure_ml";
}

}  // namespace

std::vector<bool> asked_trackers(const TrainingArguments& args, const std::vector<std::string>& trackers) {
  for (const std::string& name : args.report_to) check(name, trackers);
  const bool all = contains(args.report_to, "all");
  const std::string left_out = twin_left_out(trackers);
  std::vector<bool> asked;
  for (const std::string& name : trackers) {
    asked.push_back(contains(args.report_to, name) || (all && name != left_out));
  }
  return asked;
}

}  // namespace downbeat
