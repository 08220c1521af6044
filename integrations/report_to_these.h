// report_to<Trackers...>(args): of the trackers that a program is built with, those that --report_to asks for.
//
//   Trainer trainer(model, args, train, eval,
//                   Callbacks(report_to<TensorBoardCallback, MLflowCallback>(args), MyCallback{}));
//
// A static tuple in which the others are empty: no virtual call. Only the trackers named here are linked, with what
// they need; report_to.h has all of them. A tracker with options of its own goes into Callbacks(...) by itself.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "callbacks/pipeline/callback_handler.h"
#include "callbacks/vocabulary/training_arguments.h"

namespace downbeat {

// For each of `trackers` whether args.report_to asks for it: by its name or by `all`, which takes azure_ml only where
// there is no mlflow, or in its place where MLFLOW_TRACKING_URI is azureml://... Throws std::invalid_argument where a
// name is none of them, and lists those there are.
std::vector<bool> asked_trackers(const TrainingArguments& args, const std::vector<std::string>& trackers);

template <class... Trackers>
CallbackHandler<std::optional<Trackers>...> report_to(const TrainingArguments& args) {
  const std::vector<bool> asked = asked_trackers(args, {std::string(Trackers::report_to_name)...});
  return [&]<std::size_t... i>(std::index_sequence<i...>) {
    return CallbackHandler<std::optional<Trackers>...>(asked[i] ? std::make_optional<Trackers>()
                                                                : std::optional<Trackers>()...);
  }(std::index_sequence_for<Trackers...>());
}

}  // namespace downbeat
