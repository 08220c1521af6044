// PythonValue: what a file of torch.save holds: None, bool, int, float, str, tensors, lists, tuples and dicts of these.
//
//   PythonDict group;
//   group.set("lr", 1e-3);
//   group.set("betas", PythonTuple{{0.9, 0.999}});
//   group.set("foreach", PythonValue());                                  // None
//   const PythonValue* lr = group.find("lr");
//   const double* value = lr ? std::get_if<double>(lr) : nullptr;
//
// A checkpoint's optimizer.pt, scheduler.pt and rng_state.pth are made of these; torch_file.h reads and writes them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace downbeat {

struct PythonValue;

using PythonList = std::vector<PythonValue>;

struct PythonTuple {
  std::vector<PythonValue> items;
};

// In the order of insertion, as in Python. Keys are texts or integers in practice; any value is kept.
class PythonDict {
 public:
  using Items = std::vector<std::pair<PythonValue, PythonValue>>;

  const PythonValue* find(std::string_view key) const;  // null where there is none
  const PythonValue* find(int64_t key) const;

  // Replaces the value of a key that is there.
  void set(std::string_view key, PythonValue value);
  void set(int64_t key, PythonValue value);

  const Items& items() const { return items_; }
  Items& items() { return items_; }

 private:
  Items items_;
};

// What a class of numpy or the standard library would have made: "numpy._core.multiarray._reconstruct", its arguments
// and its state. Nothing is ever called.
struct PythonObject;

struct PythonValue : std::variant<std::monostate, bool, int64_t, double, std::string, at::Tensor, PythonList,
                                  PythonTuple, PythonDict, std::shared_ptr<const PythonObject>> {
  using Base = std::variant<std::monostate, bool, int64_t, double, std::string, at::Tensor, PythonList, PythonTuple,
                            PythonDict, std::shared_ptr<const PythonObject>>;
  using Base::Base;

  bool is_none() const { return std::holds_alternative<std::monostate>(*this); }
};

struct PythonObject {
  std::string type;
  std::vector<PythonValue> arguments;
  PythonValue state;
};

// An int or a float; a whole int; a list or tuple of numbers. Nothing for another type.
std::optional<double> as_number(const PythonValue& value);
std::optional<int64_t> as_int(const PythonValue& value);
std::optional<std::vector<double>> as_numbers(const PythonValue& value);

// "None", "bool", "int", "float", "str", "Tensor", "list", "tuple", "dict" or the object's type: for sentences.
std::string python_type(const PythonValue& value);

}  // namespace downbeat
