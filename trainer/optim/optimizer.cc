#include "trainer/optim/optimizer.h"

#include <ATen/ops/scalar_tensor.h>

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace downbeat {
namespace {

// Fills the options in the order in which they are listed.
template <class Base>
class Writer : public Base {
 public:
  void number(const char* name, double& value) override { dict.set(name, value); }
  void flag(const char* name, bool& value) override { dict.set(name, value); }
  void maybe(const char* name, std::optional<bool>& value) override {
    dict.set(name, value ? PythonValue(*value) : PythonValue());
  }
  void pair(const char* name, double& first, double& second) override { dict.set(name, PythonTuple{{first, second}}); }
  void fixed(const char* name, const PythonValue& value) override { dict.set(name, value); }
  void unused(const char* name, const PythonValue& value) override { dict.set(name, value); }

  PythonDict dict;
};

bool is_same(const PythonValue& a, const PythonValue& b) {
  if (const auto number = as_number(a)) return number == as_number(b);
  const auto* flag = std::get_if<bool>(&a);
  const auto* other = std::get_if<bool>(&b);
  return flag && other ? *flag == *other : a.is_none() && b.is_none();
}

std::string text_of(const PythonValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "True" : "False";
  if (const auto number = as_number(value)) return absl::StrCat(*number);
  return python_type(value);
}

// Takes what is there; notes the first thing that is wrong.
template <class Base>
class Reader : public Base {
 public:
  explicit Reader(const PythonDict& from) : dict(from) {}

  void number(const char* name, double& value) override {
    const PythonValue* found = required(name);
    if (!found) return;
    const auto number = as_number(*found);
    number ? void(value = *number) : wrong(name, *found, "a number");
  }
  void flag(const char* name, bool& value) override {
    const PythonValue* found = dict.find(name);  // younger options have a default in PyTorch
    if (!found) return void(value = false);
    const auto* flag = std::get_if<bool>(found);
    flag ? void(value = *flag) : wrong(name, *found, "True or False");
  }
  void maybe(const char* name, std::optional<bool>& value) override {
    const PythonValue* found = dict.find(name);
    value.reset();
    if (!found || found->is_none()) return;
    const auto* flag = std::get_if<bool>(found);
    flag ? void(value = *flag) : wrong(name, *found, "True, False or None");
  }
  void pair(const char* name, double& first, double& second) override {
    const PythonValue* found = required(name);
    if (!found) return;
    const auto numbers = as_numbers(*found);
    if (!numbers || numbers->size() != 2) return wrong(name, *found, "two numbers");
    first = numbers->front();
    second = numbers->back();
  }
  void fixed(const char* name, const PythonValue& value) override {
    const PythonValue* found = dict.find(name);
    if (found && !is_same(*found, value)) wrong(name, *found, text_of(value) + ", the only one that is supported");
  }
  void unused(const char*, const PythonValue&) override {}

  absl::Status status;

 private:
  const PythonValue* required(const char* name) {
    const PythonValue* found = dict.find(name);
    if (!found && status.ok()) status = absl::InvalidArgumentError(absl::StrCat("a parameter group has no ", name));
    return found;
  }
  void wrong(const char* name, const PythonValue& value, const std::string& allowed) {
    if (!status.ok()) return;
    status = absl::InvalidArgumentError(
        absl::StrCat("a parameter group has ", name, "=", text_of(value), "; it must be ", allowed));
  }

  const PythonDict& dict;
};

absl::Status not_of_an_optimizer(const char* what) {
  return absl::InvalidArgumentError(absl::StrCat("this is not the state of an optimizer: it has no ", what));
}

const PythonList* list_in(const PythonDict& dict, const char* name) {
  const PythonValue* found = dict.find(name);
  return found ? std::get_if<PythonList>(found) : nullptr;
}

}  // namespace

Optimizer::Optimizer(std::vector<ParameterGroup> groups, std::vector<StateName> state_names)
    : groups_(std::move(groups)), state_names_(std::move(state_names)) {
  for (const ParameterGroup& group : groups_) {
    states_.emplace_back(state_names_.size(), std::vector<at::Tensor>(group.parameters.size()));
  }
}

void Optimizer::zero_grad() {
  for (ParameterGroup& group : groups_) {
    for (at::Tensor& parameter : group.parameters) parameter.mutable_grad().reset();
  }
}

PythonValue Optimizer::state_dict() const {
  PythonDict states;
  PythonList groups;
  int64_t number = 0;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    PythonList numbers;
    for (std::size_t i = 0; i < groups_[g].parameters.size(); ++i, ++number) {
      numbers.emplace_back(number);
      PythonDict state;
      for (std::size_t which = 0; which < state_names_.size(); ++which) {
        const at::Tensor& tensor = states_[g][which][i];
        if (!tensor.defined()) continue;
        const bool is_whole = state_names_[which].kind == StateKind::whole_step;
        state.set(state_names_[which].name,
                  is_whole ? PythonValue(static_cast<int64_t>(tensor.item<double>())) : PythonValue(tensor));
      }
      if (!state.items().empty()) states.set(number, std::move(state));
    }
    Writer<Options> options;
    const_cast<Optimizer*>(this)->list_options(g, options);  // writing changes nothing
    if (groups_[g].initial_lr) options.dict.set("initial_lr", *groups_[g].initial_lr);
    options.dict.set("params", std::move(numbers));
    groups.emplace_back(std::move(options.dict));
  }
  PythonDict all;
  all.set("state", std::move(states));
  all.set("param_groups", std::move(groups));
  return all;
}

absl::Status Optimizer::load_state_dict(const PythonValue& state_dict) {
  const auto* all = std::get_if<PythonDict>(&state_dict);
  const auto* groups = all ? list_in(*all, "param_groups") : nullptr;
  const PythonValue* found = all ? all->find("state") : nullptr;
  const auto* states = found ? std::get_if<PythonDict>(found) : nullptr;
  if (!groups) return not_of_an_optimizer("param_groups");
  if (!states) return not_of_an_optimizer("state");
  if (groups->size() != groups_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("it has ", groups->size(), " parameter groups and the optimizer ", groups_.size()));
  }
  std::vector<GroupState> read;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const auto* group = std::get_if<PythonDict>(&(*groups)[g]);
    const auto* numbers = group ? list_in(*group, "params") : nullptr;
    if (!numbers) return absl::InvalidArgumentError("a parameter group has no list params");
    if (numbers->size() != groups_[g].parameters.size()) {
      return absl::InvalidArgumentError(absl::StrCat("its parameter group ", g, " has ", numbers->size(),
                                                     " parameters and that of the optimizer ",
                                                     groups_[g].parameters.size()));
    }
    read.emplace_back(state_names_.size(), std::vector<at::Tensor>(numbers->size()));
    if (absl::Status status = read_state(*states, *numbers, g, read.back()); !status.ok()) return status;
  }
  const PythonValue before = this->state_dict();
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    absl::Status status = read_group(g, (*groups)[g]);
    if (status.ok()) continue;
    const auto& old_groups = std::get<PythonList>(*std::get<PythonDict>(before).find("param_groups"));
    for (std::size_t i = 0; i <= g; ++i) static_cast<void>(read_group(i, old_groups[i]));
    return status;
  }
  states_ = std::move(read);
  return absl::OkStatus();
}

absl::Status Optimizer::read_group(std::size_t group, const PythonValue& options) {
  const auto& dict = std::get<PythonDict>(options);
  Reader<Options> reader(dict);
  list_options(group, reader);
  if (dict.find("initial_lr")) {
    double initial_lr = 0;
    reader.number("initial_lr", initial_lr);
    groups_[group].initial_lr = initial_lr;
  }
  return reader.status;
}

absl::Status Optimizer::read_state(const PythonDict& from, const PythonList& numbers, std::size_t group,
                                   GroupState& state) const {
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto* number = std::get_if<int64_t>(&numbers[i]);
    const PythonValue* found = number ? from.find(*number) : nullptr;
    const auto* own = found ? std::get_if<PythonDict>(found) : nullptr;
    if (!own) continue;  // a parameter that never had a gradient
    const at::Tensor& parameter = groups_[group].parameters[i];
    for (std::size_t which = 0; which < state_names_.size(); ++which) {
      const PythonValue* value = own->find(state_names_[which].name);
      const absl::Status status = read_tensor(value, state_names_[which], parameter, state[which][i]);
      if (status.ok()) continue;
      return absl::InvalidArgumentError(absl::StrCat("parameter ", *number, " ", std::string(status.message())));
    }
  }
  return absl::OkStatus();
}

std::vector<int64_t> Optimizer::shape_for(StateKind kind, const at::Tensor& parameter) {
  std::vector<int64_t> shape = parameter.sizes().vec();
  if (kind == StateKind::rows && !shape.empty()) shape.pop_back();
  if (kind == StateKind::columns && shape.size() > 1) shape.erase(shape.end() - 2);
  return shape;
}

absl::Status Optimizer::read_tensor(const PythonValue* value, const StateName& name, const at::Tensor& parameter,
                                    at::Tensor& tensor) const {
  if (!value || value->is_none()) {
    if (name.is_optional) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("has no ", name.name));
  }
  const auto options = parameter.options().requires_grad(false);
  const auto* stored = std::get_if<at::Tensor>(value);
  const std::optional<double> number = as_number(*value);
  const bool counts = name.kind == StateKind::step || name.kind == StateKind::whole_step;
  if (counts || name.kind == StateKind::scalar) {
    if (number || (stored && stored->numel() == 1)) {
      tensor =
          at::scalar_tensor(number ? *number : stored->item<double>(), counts ? options.dtype(at::kFloat) : options);
      return absl::OkStatus();
    }
  } else if (stored && stored->sizes() == shape_for(name.kind, parameter)) {
    tensor = stored->to(options);
    return absl::OkStatus();
  }
  const std::string what = stored ? absl::StrCat("the shape [", absl::StrJoin(stored->sizes(), ", "), "]")
                                  : "the type " + python_type(*value);
  return absl::InvalidArgumentError(absl::StrCat("has ", name.name, " of ", what, ", which does not fit the shape [",
                                                 absl::StrJoin(parameter.sizes(), ", "), "] of the parameter"));
}

}  // namespace downbeat
