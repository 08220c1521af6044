// lr_scheduler_kwargs, checked against what the schedule takes. Free of torch.
#pragma once

#include <initializer_list>
#include <string>

#include "callbacks/vocabulary/training_arguments.h"

namespace downbeat {

class SchedulerArguments {
 public:
  // Throws std::invalid_argument with one sentence for a key that the schedule does not have. constant and
  // constant_with_warmup take anything and use nothing, as in HuggingFace. Texts that are numbers or truth values
  // become these.
  explicit SchedulerArguments(const TrainingArguments& args);

  bool has(const std::string& key) const { return given_.contains(key); }
  // Throw when the value is of the wrong kind, or not there and needed.
  double number(const std::string& key) const;
  double number(const std::string& key, double otherwise) const { return has(key) ? number(key) : otherwise; }
  bool flag(const std::string& key, bool otherwise) const;
  std::string one_of(const std::string& key, std::initializer_list<const char*> allowed,
                     const std::string& otherwise) const;

 private:
  std::string schedule_;
  Kwargs given_;
};

}  // namespace downbeat
