// Logs: named numbers in the order in which they were added, as `on_log` and `on_evaluate` hear them.
//
//   Logs logs{{"loss", 0.5}, {"epoch", 1.0}};
//   logs["tokens"] = int64_t{4096};
//   if (logs.value_or("loss", 1.0) < 0.01) ...
//
// `Metrics` is the same type: what an evaluation measured is also what is logged. For the state of a callback that goes
// into checkpoints use CallbackState.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace downbeat {

class Logs {
 public:
  using Value = std::variant<double, int64_t, std::string>;
  using Item = std::pair<std::string, Value>;

  Logs() = default;
  Logs(std::initializer_list<Item> items);

  // The value called `name`; a new one (0.0) is put at the end when there is none.
  Value& operator[](const std::string& name);

  // The number called `name`, an integer as double. Throws std::out_of_range, naming what there is, when no number is
  // called so.
  double at(const std::string& name) const;
  double value_or(const std::string& name, double otherwise) const;

  bool contains(const std::string& name) const { return find(name) != nullptr; }
  const Value* find(const std::string& name) const;  // nullptr when absent
  bool erase(const std::string& name);               // false when there was none

  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }

  bool operator==(const Logs&) const = default;

 private:
  std::vector<Item> items_;  // a handful of names: looking through them beats hashing
};

using Metrics = Logs;

// The number that a value holds, or `otherwise` where it is text.
double number_or(const Logs::Value& value, double otherwise);

}  // namespace downbeat
