// What trackers note about a run before its first step: the configuration of the model and the arguments.
//
//   run_parameters(args, model)   {"hidden": 8, "output_dir": "runs/a", "learning_rate": 0.05, ...}
//
// As in HuggingFace an argument that ends in _token is written as <ITS_NAME>, never as its value.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "callbacks/vocabulary/model_description.h"
#include "callbacks/vocabulary/training_arguments.h"

namespace downbeat {

// HuggingFace's names in its order.
nlohmann::ordered_json arguments_of_run(const TrainingArguments& args);

// The model's config.json; an empty object where there is no model or it has none. `model` may be null.
nlohmann::ordered_json config_of_model(const ModelDescription* model);

// The configuration overlaid by the arguments.
nlohmann::ordered_json run_parameters(const TrainingArguments& args, const ModelDescription* model);

// Nested objects as name<separator>name; lists stay lists, and so does an empty object.
std::vector<std::pair<std::string, nlohmann::ordered_json>> flatten(const nlohmann::ordered_json& object,
                                                                    const std::string& separator);

// The model that an event is passed, or null: for generic hooks, as a loop of one's own may have none.
template <class Event>
const ModelDescription* model_in(const Event& event) {
  if constexpr (Event::template has<ModelDescription>()) {
    return &event.template get<ModelDescription>();
  } else {
    return nullptr;
  }
}

}  // namespace downbeat
