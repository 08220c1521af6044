#include "integrations/support/log_name.h"

#include <absl/strings/match.h>

namespace downbeat {

std::string rewrite_log_name(const std::string& name) {
  if (absl::StartsWith(name, "eval_")) return "eval/" + name.substr(5);
  if (absl::StartsWith(name, "test_")) return "test/" + name.substr(5);
  return "train/" + name;
}

}  // namespace downbeat
