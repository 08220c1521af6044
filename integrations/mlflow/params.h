// What MLflow is told as params: the model's configuration overlaid by the arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "callbacks/vocabulary/model_description.h"
#include "callbacks/vocabulary/training_arguments.h"
#include "integrations/mlflow/entry.h"

namespace downbeat {

struct MLflowParams {
  MLflowTexts params = {};
  std::vector<std::string> cut = {};  // names of those that were too long
};

struct MLflowParamsOptions {
  std::string tracker = "MLflow";          // for warnings
  bool flatten = false;                    // nested objects as a.b
  std::optional<int64_t> max_params = {};  // only the first
  bool is_resumed = false;                 // the run keeps its first resume_from_checkpoint
};

MLflowParams mlflow_params(const TrainingArguments& args, const ModelDescription* model,
                           const MLflowParamsOptions& options);

}  // namespace downbeat
