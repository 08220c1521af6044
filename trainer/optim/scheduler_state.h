// SchedulerState: what a schedule reads from its state_dict(); it notes the first thing that is wrong. As in PyTorch
// what is not there keeps its value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "trainer/torch_file/python_value.h"

namespace downbeat {

class SchedulerState {
 public:
  explicit SchedulerState(const PythonValue& state_dict);

  void need(const char* name);
  void read(const char* name, double& value);
  void read(const char* name, int64_t& value);
  void read(const char* name, bool& value);
  void read(const char* name, std::string& value);
  void read(const char* name, std::vector<double>& values, std::size_t size);  // of one size

  const PythonValue* find(const char* name) const { return dict_ ? dict_->find(name) : nullptr; }
  const absl::Status& status() const { return status_; }

 private:
  void wrong(const char* name, const PythonValue& value, const std::string& allowed);

  const PythonDict* dict_;
  absl::Status status_;
};

// An int where the number is a whole one, as users of Python write patience and the like.
PythonValue whole_or_float(double value);
PythonList list_of(const std::vector<double>& values);

}  // namespace downbeat
