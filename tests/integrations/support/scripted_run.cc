#include "tests/integrations/support/scripted_run.h"

#include <iostream>
#include <stdexcept>
#include <vector>

#include "callbacks/vocabulary/python_json.h"
#include "callbacks/vocabulary/training_arguments_json.h"

namespace downbeat {

std::string ScriptedModel::config() const { return json.contains("config") ? json["config"].dump() : ""; }

int64_t ScriptedModel::num_parameters() const {
  int64_t count = 0;
  visit_parameters(
      [&](const std::string&, const std::vector<float>& values) { count += static_cast<int64_t>(values.size()); });
  return count;
}

void ScriptedModel::visit_tensors(const char* which, const Visit& visit) const {
  if (!json.contains(which)) return;
  for (const auto& [name, values] : json[which].items()) visit(name, values.get<std::vector<float>>());
}

bool next_line(nlohmann::ordered_json& line) {
  std::string text;
  if (!std::getline(std::cin, text)) return false;
  line = parse_python_json(text).value();
  return true;
}

void take_up(Script& script, const nlohmann::ordered_json& line) {
  if (line.contains("args")) {
    const auto args = from_json(line["args"].dump());
    if (!args.ok()) throw std::invalid_argument(std::string(args.status().message()));
    script.args = *args;
  }
  if (line.contains("model")) script.model.json = line["model"];
  script.state.global_step = line.value("step", script.state.global_step);
  script.state.epoch = line.value("epoch", script.state.epoch);
  script.state.max_steps = line.value("max_steps", script.state.max_steps);
  script.state.is_world_process_zero = line.value("is_world_process_zero", script.state.is_world_process_zero);
  script.state.is_local_process_zero = line.value("is_local_process_zero", script.state.is_local_process_zero);
}

Logs logs_in(const nlohmann::ordered_json& line, const char* name) {
  Logs logs;
  for (const auto& [key, value] : line.at(name).items()) {
    if (value.is_number_integer()) {
      logs[key] = value.get<int64_t>();
    } else if (value.is_number()) {
      logs[key] = value.get<double>();
    } else {
      logs[key] = value.get<std::string>();
    }
  }
  return logs;
}

RunEnd run_end_in(const nlohmann::ordered_json& line) {
  const std::string how = line.value("how", "completed");
  RunEnd end;
  if (how == "stopped") end.how = RunEnd::How::kStopped;
  if (how == "interrupted") end.how = RunEnd::How::kInterrupted;
  if (how == "failed") end.how = RunEnd::How::kFailed;
  return end;
}

void answer(const std::string& text) { std::cout << text << std::endl; }

}  // namespace downbeat
