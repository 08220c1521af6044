// report_to(args): the trackers that --report_to asks for, among all that Downbeat has.
//
//   Trainer trainer(model, args, train, eval, Callbacks(report_to(args), MyCallback{}));   // --report_to=tensorboard
//
// It comes first in the tuple, as in HuggingFace. A program that wants to link only some of them names these:
// report_to_these.h.
#pragma once

#include "callbacks/vocabulary/training_arguments.h"
#include "integrations/azureml/azureml.h"
#include "integrations/codecarbon/codecarbon.h"
#include "integrations/comet/comet.h"
#include "integrations/mlflow/mlflow.h"
#include "integrations/report_to_these.h"
#include "integrations/tensorboard/tensorboard.h"
#include "integrations/wandb/wandb.h"

namespace downbeat {

inline auto report_to(const TrainingArguments& args) {
  return report_to<TensorBoardCallback, WandbCallback, CometCallback, MLflowCallback, AzureMLCallback,
                   CodeCarbonCallback>(args);
}

}  // namespace downbeat
