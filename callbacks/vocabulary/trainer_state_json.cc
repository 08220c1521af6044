#include "callbacks/vocabulary/trainer_state_json.h"

#include <nlohmann/json.hpp>

#include "callbacks/vocabulary/python_json.h"

namespace downbeat {
namespace {

using Json = nlohmann::json;  // sorts its keys

template <class Variant>
Json json_of_variant(const Variant& value) {
  return std::visit([](const auto& held) { return Json(held); }, value);
}

template <class T>
Json json_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json json_of(const Logs& logs) {
  Json json = Json::object();
  for (const auto& [name, value] : logs) json[name] = json_of_variant(value);
  return json;
}

Json json_of(const Kwargs& kwargs) {
  Json json = Json::object();
  for (const auto& [name, value] : kwargs) json[name] = json_of_variant(value);
  return json;
}

Json json_of(const CallbackStates& states) {
  Json json = Json::object();
  for (const auto& [name, state] : states) {
    json[name] = {{"args", json_of(state.args)}, {"attributes", json_of(state.attributes)}};
  }
  return json;
}

Json json_of(const std::vector<Logs>& log_history) {
  Json json = Json::array();
  for (const Logs& logs : log_history) json.push_back(json_of(logs));
  return json;
}

}  // namespace

std::string to_json(const TrainerState& state) {
  const Json json = {
      {"best_global_step", json_or_null(state.best_global_step)},
      {"best_metric", json_or_null(state.best_metric)},
      {"best_model_checkpoint", json_or_null(state.best_model_checkpoint)},
      {"epoch", state.epoch == 0 ? Json(0) : Json(state.epoch)},  // Python's state begins with an integer
      {"eval_steps", state.eval_steps},
      {"global_step", state.global_step},
      {"is_hyper_param_search", false},
      {"is_local_process_zero", state.is_local_process_zero},
      {"is_world_process_zero", state.is_world_process_zero},
      {"log_history", json_of(state.log_history)},
      {"logging_steps", state.logging_steps},
      {"max_steps", state.max_steps},
      {"num_input_tokens_seen", state.num_input_tokens_seen},
      {"num_train_epochs", state.num_train_epochs},
      {"save_steps", state.save_steps},
      {"stateful_callbacks", json_of(state.stateful_callbacks)},
      {"total_flos", state.total_flos},
      {"train_batch_size", json_or_null(state.train_batch_size)},
      {"trial_name", nullptr},
      {"trial_params", nullptr},
  };
  return python_json(json, 2) + "\n";
}

}  // namespace downbeat
