// Ctrl-C and SIGTERM as a request to end the run at the next safe point, instead of an end in the middle of a step.
#pragma once

#include <stdexcept>

namespace downbeat {

// Thrown by Trainer::train() after on_train_end when a signal ended the run. downbeat::run turns it into exit code 130.
class Interrupted : public std::runtime_error {
 public:
  explicit Interrupted(int signal);
  int signal() const { return signal_; }

 private:
  int signal_;
};

// While it lives, the first SIGINT or SIGTERM is only noted; a second SIGINT ends the process at once. The handlers
// that were there before come back with its end.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
};

// The signal that was noted since the outermost InterruptGuard began; 0 where there is none, or no guard.
int interrupt_signal();

const char* signal_name(int signal);  // "SIGINT", "SIGTERM"

}  // namespace downbeat
