// RunEnd: how a run ended, as `on_train_end` hears it.
//
//   void on_train_end(const RunEnd& end) { if (end.how == RunEnd::How::kFailed) send_mail(end.reason); }
#pragma once

#include <string>

namespace downbeat {

struct RunEnd {
  enum class How {
    kCompleted,    // all planned steps were done
    kStopped,      // a callback set should_training_stop
    kInterrupted,  // SIGINT or SIGTERM
    kFailed,       // an exception is about to leave train()
  };
  How how = How::kCompleted;
  std::string reason = {};  // as given to stop_training, or the exception's text
  std::string by = {};      // the function that called stop_training, the signal, or the event the exception came from
};

}  // namespace downbeat
