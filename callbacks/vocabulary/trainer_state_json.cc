#include "callbacks/vocabulary/trainer_state_json.h"

#include <absl/strings/str_cat.h>

#include <cmath>
#include <limits>
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

// --- Reading ---

using Ordered = nlohmann::ordered_json;

bool read(const Ordered& json, double& value) {
  if (json.is_number()) value = json.get<double>();
  return json.is_number();
}
// HuggingFace writes intervals that came from the command line as 7.0.
bool read(const Ordered& json, int64_t& value) {
  constexpr double kLimit = 9.2e18;
  if (!json.is_number()) return false;
  if (json.is_number_float()) {
    const double number = json.get<double>();
    if (!(std::abs(number) < kLimit)) return false;
    value = static_cast<int64_t>(number);
    return true;
  }
  if (json.is_number_unsigned() && json.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}) return false;
  value = json.get<int64_t>();
  return true;
}
bool read(const Ordered& json, std::string& value) {
  if (json.is_string()) value = json.get<std::string>();
  return json.is_string();
}
template <class T>
bool read(const Ordered& json, std::optional<T>& value) {
  T held{};
  const bool is_read = json.is_null() || read(json, held);
  if (is_read && !json.is_null()) value = std::move(held);
  return is_read;
}

// A line of the history; what is no number and no text is none of Downbeat's and left out.
bool read(const Ordered& json, Logs& logs) {
  if (!json.is_object()) return false;
  for (const auto& item : json.items()) {
    const Ordered& value = item.value();
    if (value.is_number_float()) logs[item.key()] = value.get<double>();
    if (value.is_number_integer()) logs[item.key()] = value.get<int64_t>();
    if (value.is_string()) logs[item.key()] = value.get<std::string>();
  }
  return true;
}
bool read(const Ordered& json, std::vector<Logs>& history) {
  if (json.is_null()) return true;
  if (!json.is_array()) return false;
  for (const Ordered& line : json) {
    if (!read(line, history.emplace_back())) return false;
  }
  return true;
}

Kwargs kwargs_of(const Ordered& json) {
  Kwargs kwargs;
  if (!json.is_object()) return kwargs;
  for (const auto& item : json.items()) {
    const Ordered& value = item.value();
    if (value.is_boolean()) kwargs[item.key()] = value.get<bool>();
    if (value.is_number_float()) kwargs[item.key()] = value.get<double>();
    if (value.is_number_integer()) kwargs[item.key()] = value.get<int64_t>();
    if (value.is_string()) kwargs[item.key()] = value.get<std::string>();
  }
  return kwargs;
}
// Several callbacks of one class are a list in HuggingFace; here each has a key, so that only the first is the one.
bool read(const Ordered& json, CallbackStates& states) {
  if (json.is_null()) return true;
  if (!json.is_object()) return false;
  for (const auto& item : json.items()) {
    const Ordered& state = item.value().is_array() && !item.value().empty() ? item.value().front() : item.value();
    if (!state.is_object()) return false;
    states[item.key()] = {.args = kwargs_of(state.value("args", Ordered())),
                          .attributes = kwargs_of(state.value("attributes", Ordered()))};
  }
  return true;
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

absl::StatusOr<TrainerState> trainer_state_from_json(absl::string_view text) {
  const absl::StatusOr<Ordered> json = parse_python_json(text);
  if (!json.ok()) return json.status();
  if (!json->is_object()) return absl::InvalidArgumentError("the state of a run is a JSON object");
  TrainerState state;
  absl::Status status;
  const auto field = [&](const char* name, auto& value) {
    const auto found = json->find(name);
    if (found == json->end() || !status.ok() || read(*found, value)) return;
    status = absl::InvalidArgumentError(absl::StrCat(name, "=", python_json(*found), " is of the wrong kind"));
  };
  field("best_global_step", state.best_global_step);
  field("best_metric", state.best_metric);
  field("best_model_checkpoint", state.best_model_checkpoint);
  field("epoch", state.epoch);
  field("eval_steps", state.eval_steps);
  field("global_step", state.global_step);
  field("log_history", state.log_history);
  field("logging_steps", state.logging_steps);
  field("max_steps", state.max_steps);
  field("num_input_tokens_seen", state.num_input_tokens_seen);
  field("num_train_epochs", state.num_train_epochs);
  field("save_steps", state.save_steps);
  field("stateful_callbacks", state.stateful_callbacks);
  field("total_flos", state.total_flos);
  field("train_batch_size", state.train_batch_size);
  if (!status.ok()) return status;
  if (!json->contains("global_step") || state.global_step < 0) {
    return absl::InvalidArgumentError("global_step has to be there, and to be 0 or more");
  }
  return state;
}

}  // namespace downbeat
