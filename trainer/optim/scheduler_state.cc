#include "trainer/optim/scheduler_state.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"

namespace downbeat {

SchedulerState::SchedulerState(const PythonValue& state_dict) : dict_(std::get_if<PythonDict>(&state_dict)) {
  if (!dict_) {
    status_ = absl::InvalidArgumentError(
        absl::StrCat("this is not the state of a schedule but of type ", python_type(state_dict)));
  }
}

void SchedulerState::need(const char* name) {
  if (status_.ok() && !find(name)) status_ = absl::InvalidArgumentError(absl::StrCat("it has no ", name));
}

void SchedulerState::wrong(const char* name, const PythonValue& value, const std::string& allowed) {
  if (!status_.ok()) return;
  status_ =
      absl::InvalidArgumentError(absl::StrCat(name, " is of type ", python_type(value), "; it must be ", allowed));
}

void SchedulerState::read(const char* name, double& value) {
  const PythonValue* found = find(name);
  if (!found) return;
  const auto number = as_number(*found);
  number ? void(value = *number) : wrong(name, *found, "a number");
}

void SchedulerState::read(const char* name, int64_t& value) {
  const PythonValue* found = find(name);
  if (!found) return;
  const auto number = as_int(*found);
  number ? void(value = *number) : wrong(name, *found, "an int");
}

void SchedulerState::read(const char* name, bool& value) {
  const PythonValue* found = find(name);
  if (!found) return;
  const auto* flag = std::get_if<bool>(found);
  flag ? void(value = *flag) : wrong(name, *found, "a bool");
}

void SchedulerState::read(const char* name, std::string& value) {
  const PythonValue* found = find(name);
  if (!found) return;
  const auto* text = std::get_if<std::string>(found);
  text ? void(value = *text) : wrong(name, *found, "a str");
}

void SchedulerState::read(const char* name, std::vector<double>& values, std::size_t size) {
  const PythonValue* found = find(name);
  if (!found) return;
  auto numbers = as_numbers(*found);
  const bool fits = numbers && numbers->size() == size;
  fits ? void(values = *std::move(numbers)) : wrong(name, *found, absl::StrCat("a list of ", size, " numbers"));
}

PythonValue whole_or_float(double value) {
  const bool is_whole = std::abs(value) < 1e15 && value == std::trunc(value);
  return is_whole ? PythonValue(static_cast<int64_t>(value)) : PythonValue(value);
}

PythonList list_of(const std::vector<double>& values) { return PythonList(values.begin(), values.end()); }

}  // namespace downbeat
