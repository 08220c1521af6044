// Optimizer: what updates the weights, in HuggingFace's two parameter groups. Each one equals its namesake in
// torch.optim bit for bit, and so does its state_dict(), which goes into optimizer.pt.
//
// Hooks may ask for it from on_train_begin on: void on_step_end(const Optimizer& optimizer).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "trainer/torch_file/python_value.h"

namespace downbeat {

struct ParameterGroup {
  std::vector<at::Tensor> parameters;
  double lr = 0;
  double weight_decay = 0;
  std::optional<double> initial_lr = {};  // what a schedule multiplies; kept by the group as in PyTorch
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // Updates every parameter that has a gradient.
  virtual void step() = 0;

  // Gradients are set to none, not to zero.
  void zero_grad();

  // As torch.optim's: {"state": {number of a parameter: its state}, "param_groups": [options]}. Parameters are numbered
  // group after group. The tensors are the optimizer's own, not copies.
  PythonValue state_dict() const;
  // As in PyTorch the options of the file replace those there are. What does not fit is one sentence, and changes
  // nothing.
  absl::Status load_state_dict(const PythonValue& state_dict);

  const std::vector<ParameterGroup>& param_groups() const { return groups_; }
  std::vector<ParameterGroup>& param_groups() { return groups_; }

 protected:
  enum class StateKind {
    like_parameter,  // a tensor of its shape and type
    rows,            // its shape without the last dimension
    columns,         // its shape without the last but one
    scalar,          // of its type, no dimensions
    step,            // a float32 of no dimensions that counts steps
    whole_step,      // the same, which is an int in Python
  };
  struct StateName {
    const char* name;
    StateKind kind;
    bool is_optional = false;  // a parameter that has a state may be without this one
  };

  // Reads or writes the options of a group: each optimizer lists its own once, in PyTorch's order.
  class Options {
   public:
    virtual ~Options() = default;
    virtual void number(const char* name, double& value) = 0;
    virtual void flag(const char* name, bool& value) = 0;
    virtual void maybe(const char* name, std::optional<bool>& value) = 0;
    virtual void pair(const char* name, double& first, double& second) = 0;
    // One of which this implementation knows a single value.
    virtual void fixed(const char* name, const PythonValue& value) = 0;
    // One that changes no number.
    virtual void unused(const char* name, const PythonValue& value) = 0;
  };

  Optimizer(std::vector<ParameterGroup> groups, std::vector<StateName> state_names);

  virtual void list_options(std::size_t group, Options& options) = 0;

  static std::vector<int64_t> shape_for(StateKind kind, const at::Tensor& parameter);

  // The tensors of one kind of state, parallel to the parameters of a group; undefined until a first step needs them.
  std::vector<at::Tensor>& state(std::size_t group, std::size_t which) { return states_[group][which]; }

 private:
  using GroupState = std::vector<std::vector<at::Tensor>>;
  absl::Status read_group(std::size_t group, const PythonValue& options);
  absl::Status read_state(const PythonDict& from, const PythonList& numbers, std::size_t group,
                          GroupState& state) const;
  absl::Status read_tensor(const PythonValue* value, const StateName& name, const at::Tensor& parameter,
                           at::Tensor& tensor) const;

  std::vector<ParameterGroup> groups_;
  std::vector<StateName> state_names_;
  std::vector<GroupState> states_;
};

}  // namespace downbeat
