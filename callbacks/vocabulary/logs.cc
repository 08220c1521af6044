#include "callbacks/vocabulary/logs.h"

#include <algorithm>
#include <stdexcept>

namespace downbeat {
namespace {

auto position_of(auto& items, const std::string& name) {
  return std::find_if(items.begin(), items.end(), [&](const auto& item) { return item.first == name; });
}

}  // namespace

Logs::Logs(std::initializer_list<Item> items) {
  for (const Item& item : items) (*this)[item.first] = item.second;
}

Logs::Value& Logs::operator[](const std::string& name) {
  const auto found = position_of(items_, name);
  if (found != items_.end()) return found->second;
  return items_.emplace_back(name, 0.0).second;
}

double Logs::at(const std::string& name) const {
  const Value* value = find(name);
  if (value != nullptr && !std::holds_alternative<std::string>(*value)) return number_or(*value, 0);
  std::string known;
  for (const Item& item : items_) known += (known.empty() ? "" : ", ") + item.first;
  throw std::out_of_range("no number is called " + name + (known.empty() ? "" : "; there are " + known));
}

double Logs::value_or(const std::string& name, double otherwise) const {
  const Value* value = find(name);
  return value == nullptr ? otherwise : number_or(*value, otherwise);
}

const Logs::Value* Logs::find(const std::string& name) const {
  const auto found = position_of(items_, name);
  return found == items_.end() ? nullptr : &found->second;
}

bool Logs::erase(const std::string& name) {
  const auto found = position_of(items_, name);
  if (found == items_.end()) return false;
  items_.erase(found);
  return true;
}

double number_or(const Logs::Value& value, double otherwise) {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* whole = std::get_if<int64_t>(&value)) return static_cast<double>(*whole);
  return otherwise;
}

}  // namespace downbeat
