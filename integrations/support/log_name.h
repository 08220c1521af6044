// Names of logged numbers as HuggingFace's trackers write them: eval_loss is eval/loss, loss is train/loss.
#pragma once

#include <string>

namespace downbeat {

// eval_X: eval/X; test_X: test/X; anything else: train/X.
std::string rewrite_log_name(const std::string& name);

}  // namespace downbeat
