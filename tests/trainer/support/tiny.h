// A classifier of nine numbers, data for it, and a Trainer whose only callback calls back into the test.
//
//   TinyRun run({.max_steps = 3});
//   run.hear([&](const Moment& moment) { if (moment.event == "on_step_end") ... });
//   run.trainer.train();
//
// TinyTrainer is compiled once, in tiny.cc: every other type of Trainer costs a test file some ten seconds.
#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "trainer/trainer.h"

namespace downbeat::testing {

// Logits of three classes; the first weights are always the same.
struct Tiny : torch::nn::Module {
  Tiny();
  at::Tensor forward(const at::Tensor& inputs);

  at::Tensor weight, bias;
  int64_t forwards = 0;
  int64_t throw_at_forward = -1;  // std::domain_error("the model broke")
  std::vector<bool> was_training_at_forward;
};

// Two inputs and a label for each example.
TensorDataset tiny_set(int64_t size, int64_t seed = 0);

// What a hook of any event sees; null where the event does not provide it.
struct Moment {
  std::string event;
  const TrainingArguments& args;
  const TrainerState& state;
  TrainerControl& control;
  Tiny& model;
  const Logs* logs;       // or metrics
  Logs* changeable_logs;  // of on_log
  const RunEnd* end;
  const Checkpoint* checkpoint;
  const std::exception_ptr* exception;
  const EventName* from;
  Batch* batch;
  Gradients* gradients;
  const GradientNorm* norm;
  Optimizer* optimizer;
  LRScheduler* lr_scheduler;
};

struct Hooks {
  std::shared_ptr<std::function<void(const Moment&)>> hear = std::make_shared<std::function<void(const Moment&)>>();

#define DOWNBEAT_X(event, ...) \
  void event(auto& view) { call(view); }
  DOWNBEAT_EVENTS(DOWNBEAT_X)
#undef DOWNBEAT_X

 private:
  template <class Wanted, class View>
  static auto* provided(View& view) {
    if constexpr (View::template has<Wanted>()) {
      return &view.template get<Wanted>();
    } else {
      return static_cast<Wanted*>(nullptr);
    }
  }
  static Logs* changeable(Logs* logs) { return logs; }
  static Logs* changeable(const Logs*) { return nullptr; }
  void call(auto& view) {
    if (!*hear) return;
    (*hear)({.event = std::string(view.name()),
             .args = view.args(),
             .state = view.state(),
             .control = view.control(),
             .model = view.template get<Tiny>(),
             .logs = provided<Logs>(view),
             .changeable_logs = changeable(provided<Logs>(view)),
             .end = provided<RunEnd>(view),
             .checkpoint = provided<Checkpoint>(view),
             .exception = provided<std::exception_ptr>(view),
             .from = provided<EventName>(view),
             .batch = provided<Batch>(view),
             .gradients = provided<Gradients>(view),
             .norm = provided<GradientNorm>(view),
             .optimizer = provided<Optimizer>(view),
             .lr_scheduler = provided<LRScheduler>(view)});
  }
};

using TinyTrainer = Trainer<Tiny, TensorDataset, TensorDataset, Hooks>;

// Eight examples in batches of four, two steps an epoch; three examples to evaluate. What a test does not set is off:
// saving, evaluating; and logs are plain lines.
TrainingArguments tiny_arguments(TrainingArguments args);

struct TinyRun {
  explicit TinyRun(const TrainingArguments& args);
  void hear(std::function<void(const Moment&)> function) { *hooks.hear = std::move(function); }

  Hooks hooks;
  std::shared_ptr<Tiny> model = std::make_shared<Tiny>();
  TinyTrainer trainer;
};

}  // namespace downbeat::testing

namespace downbeat {
extern template class Trainer<testing::Tiny, TensorDataset, TensorDataset, testing::Hooks>;
}  // namespace downbeat
