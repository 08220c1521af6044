// A run that a test's script conducts, event by event, to see what real callbacks make of it.
//
//   int main() { return downbeat::scripted_run(Callbacks(TensorBoardCallback())); }
//
// Each line on standard input is one JSON object; the answer is "ok", or "error: " and what was thrown. scripted_run.py
// is the other end.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "callbacks/pipeline/callback_handler.h"
#include "callbacks/vocabulary/model_description.h"
#include "callbacks/vocabulary/trainer_control.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"

namespace downbeat {

// A model that says what the script says.
class ScriptedModel : public ModelDescription {
 public:
  std::string config() const override;
  std::string text() const override { return json.value("text", ""); }
  int64_t num_parameters() const override;
  void visit_parameters(const Visit& visit) const override { visit_tensors("parameters", visit); }
  void visit_gradients(const Visit& visit) const override { visit_tensors("gradients", visit); }

  nlohmann::ordered_json json = nlohmann::ordered_json::object();

 private:
  void visit_tensors(const char* which, const Visit& visit) const;
};

struct Script {
  TrainingArguments args;
  TrainerState state;
  TrainerControl control;
  ScriptedModel model;
};

// The next line; false at the end.
bool next_line(nlohmann::ordered_json& line);
void take_up(Script& script, const nlohmann::ordered_json& line);  // arguments, model and state that the line sets
Logs logs_in(const nlohmann::ordered_json& line, const char* name);
RunEnd run_end_in(const nlohmann::ordered_json& line);
void answer(const std::string& text);

template <class... Cs>
void fire(CallbackHandler<Cs...>& handler, Script& s, const nlohmann::ordered_json& line) {
  const std::string event = line.value("event", "");
  const auto call = [&](auto which, auto&... more) {
    handler.call_event(which, s.args, s.state, s.control, std::as_const<ModelDescription>(s.model), more...);
  };
  if (event == "init_end") call(on_init_end);
  if (event == "train_begin") call(on_train_begin);
  if (event == "step_end") call(on_step_end);
  if (event == "gradients_ready") call(on_gradients_ready);
  if (event == "pre_optimizer_step") call(on_pre_optimizer_step);
  if (event == "log") {
    for (int64_t i = 0; i < line.value("times", int64_t{1}); ++i) {
      Logs logs = logs_in(line, "logs");
      call(on_log, logs);
      if (line.value("times", int64_t{1}) > 1) ++s.state.global_step;
    }
  }
  if (event == "predict") {
    const Metrics metrics = logs_in(line, "metrics");
    call(on_predict, metrics);
  }
  if (event == "save" || event == "load_checkpoint") {
    const Checkpoint checkpoint{.directory = line.at("directory"), .step = s.state.global_step};
    event == "save" ? call(on_save, checkpoint) : call(on_load_checkpoint, checkpoint);
  }
  if (event == "train_end") {
    const RunEnd end = run_end_in(line);
    call(on_train_end, end);
  }
}

template <class... Cs>
int scripted_run(CallbackHandler<Cs...> handler) {
  Script script;
  nlohmann::ordered_json line;
  while (next_line(line)) {
    try {
      take_up(script, line);
      fire(handler, script, line);
      answer("ok");
    } catch (const std::exception& exception) {
      answer(std::string("error: ") + exception.what());
    }
  }
  return 0;
}

}  // namespace downbeat
