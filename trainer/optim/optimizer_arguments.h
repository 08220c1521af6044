// optim_args, "key=value,key=value", read as HuggingFace reads it. Free of torch.
#pragma once

#include <map>
#include <string>

#include "callbacks/vocabulary/training_arguments.h"

namespace downbeat {

class OptimizerArguments {
 public:
  // Throws std::invalid_argument with one sentence for what is no key=value and for a value out of range. A key that
  // the optimizer does not have is ignored as in HuggingFace, but with a warning.
  explicit OptimizerArguments(const TrainingArguments& args);

  double number(const std::string& key, double otherwise) const;
  bool flag(const std::string& key) const;  // true, 1 and yes in any case; false otherwise

 private:
  std::map<std::string, std::string> given_;
};

}  // namespace downbeat
