#include "trainer/interrupt.h"

#include <csignal>
#include <string>

namespace downbeat {
namespace {

volatile std::sig_atomic_t noted_signal = 0;
int guards = 0;
struct sigaction previous_int;
struct sigaction previous_term;

void note(int signal) {
  if (noted_signal != 0 && signal == SIGINT) {  // the user insists
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
    return;
  }
  noted_signal = signal;
}

}  // namespace

Interrupted::Interrupted(int signal)
    : std::runtime_error(std::string("the run was interrupted by ") + signal_name(signal)), signal_(signal) {}

InterruptGuard::InterruptGuard() {
  if (guards++ > 0) return;
  noted_signal = 0;
  struct sigaction action = {};
  action.sa_handler = note;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;  // no read or write of the run fails because of it
  sigaction(SIGINT, &action, &previous_int);
  // A job in a script's background ignores Ctrl-C, which is meant for the one in front.
  if (previous_int.sa_handler == SIG_IGN) sigaction(SIGINT, &previous_int, nullptr);
  sigaction(SIGTERM, &action, &previous_term);
}

InterruptGuard::~InterruptGuard() {
  if (--guards > 0) return;
  sigaction(SIGINT, &previous_int, nullptr);
  sigaction(SIGTERM, &previous_term, nullptr);
}

int interrupt_signal() { return guards > 0 ? static_cast<int>(noted_signal) : 0; }

const char* signal_name(int signal) { return signal == SIGTERM ? "SIGTERM" : "SIGINT"; }

}  // namespace downbeat
