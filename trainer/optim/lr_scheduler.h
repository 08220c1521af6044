// LRScheduler: the learning rate of every step, HuggingFace's to the last bit; and its state, which goes into
// scheduler.pt.
//
// Hooks may ask for it from on_train_begin on: void on_step_end(const LRScheduler& lr_scheduler).
#pragma once

#include "absl/status/status.h"
#include "trainer/torch_file/python_value.h"

namespace downbeat {

class LRScheduler {
 public:
  virtual ~LRScheduler() = default;

  virtual void step() {}                               // after each optimizer step
  virtual void step(double /*metric*/) {}              // after each evaluation during training
  virtual bool wants_metric() const { return false; }  // then it changes after evaluations only

  // Of the first parameter group: what the next optimizer step will use.
  virtual double last_lr() const = 0;

  // As that of the class of its name in PyTorch or transformers.
  virtual PythonValue state_dict() const = 0;
  // What does not fit is one sentence, and changes nothing.
  virtual absl::Status load_state_dict(const PythonValue& state_dict) = 0;

 protected:
  LRScheduler() = default;
  LRScheduler(const LRScheduler&) = delete;
  LRScheduler& operator=(const LRScheduler&) = delete;
};

}  // namespace downbeat
