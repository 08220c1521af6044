#include "trainer/torch_file/python_value.h"

namespace downbeat {
namespace {

template <class Key>
const PythonValue* find_in(const PythonDict::Items& items, const Key& key) {
  for (const auto& [known, value] : items) {
    const Key* same = std::get_if<Key>(&known);
    if (same && *same == key) return &value;
  }
  return nullptr;
}

template <class Key>
void set_in(PythonDict::Items& items, Key key, PythonValue value) {
  if (const PythonValue* found = find_in(items, key)) {
    *const_cast<PythonValue*>(found) = std::move(value);
  } else {
    items.emplace_back(std::move(key), std::move(value));
  }
}

}  // namespace

const PythonValue* PythonDict::find(std::string_view key) const { return find_in(items_, std::string(key)); }
const PythonValue* PythonDict::find(int64_t key) const { return find_in(items_, key); }
void PythonDict::set(std::string_view key, PythonValue value) { set_in(items_, std::string(key), std::move(value)); }
void PythonDict::set(int64_t key, PythonValue value) { set_in(items_, key, std::move(value)); }

std::optional<double> as_number(const PythonValue& value) {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* whole = std::get_if<int64_t>(&value)) return static_cast<double>(*whole);
  return std::nullopt;
}

std::optional<int64_t> as_int(const PythonValue& value) {
  const auto* whole = std::get_if<int64_t>(&value);
  return whole ? std::optional(*whole) : std::nullopt;
}

std::optional<std::vector<double>> as_numbers(const PythonValue& value) {
  const auto* tuple = std::get_if<PythonTuple>(&value);
  const auto* list = tuple ? &tuple->items : std::get_if<PythonList>(&value);
  if (!list) return std::nullopt;
  std::vector<double> numbers;
  for (const PythonValue& item : *list) {
    const std::optional<double> number = as_number(item);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

std::string python_type(const PythonValue& value) {
  constexpr const char* kNames[] = {"None", "bool", "int", "float", "str", "Tensor", "list", "tuple", "dict"};
  if (value.index() < std::size(kNames)) return kNames[value.index()];
  return std::get<std::shared_ptr<const PythonObject>>(value)->type;
}

}  // namespace downbeat
