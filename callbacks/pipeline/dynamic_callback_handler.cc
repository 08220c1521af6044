#include "callbacks/pipeline/dynamic_callback_handler.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <stdexcept>

#include "callbacks/vocabulary/message.h"

namespace downbeat {
namespace {

const std::type_info& type_of(const DynamicCallback& callback) {
  const auto* adapter = dynamic_cast<const contract::AnyAdapter*>(&callback);
  return adapter == nullptr ? typeid(callback) : adapter->type();
}

}  // namespace

std::string DynamicCallback::name() const {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> demangled(
      abi::__cxa_demangle(typeid(*this).name(), nullptr, nullptr, &status), std::free);
  const std::string all = status == 0 ? demangled.get() : typeid(*this).name();
  return std::string(contract::without_scope(all));
}

void DynamicCallbackList::add(std::shared_ptr<DynamicCallback> callback) {
  if (callback == nullptr) throw std::invalid_argument("downbeat: add_callback was given a null pointer");
  const auto is_twin = [&](const auto& other) {
    return type_of(*other) == type_of(*callback) && other->name() == callback->name();
  };
  if (std::any_of(callbacks_.begin(), callbacks_.end(), is_twin)) {
    warn(absl::StrCat("a ", callback->name(), " is added, but there is one already; the callbacks are ",
                      absl::StrJoin(callback_list(), ", ")));
  }
  callbacks_.push_back(std::move(callback));
}

std::shared_ptr<DynamicCallback> DynamicCallbackList::take(std::size_t at) {
  std::shared_ptr<DynamicCallback> taken = std::move(callbacks_[at]);
  callbacks_.erase(callbacks_.begin() + static_cast<std::ptrdiff_t>(at));
  return taken;
}

void DynamicCallbackList::throw_absent() {
  throw std::invalid_argument("downbeat: remove_callback was given a callback that is not in the list");
}

std::vector<std::string> DynamicCallbackList::callback_list() const {
  std::vector<std::string> names;
  names.reserve(callbacks_.size());
  for (const auto& callback : callbacks_) names.push_back(callback->name());
  return names;
}

// visit(name, state, callback) for each callback with a state.
void DynamicCallbackList::for_each_state(const CallbackStates& others, auto&& visit) const {
  std::set<std::string> taken;
  for (const auto& other : others) taken.insert(other.first);
  for (const auto& callback : callbacks_) {
    std::optional<CallbackState> state = callback->state();
    if (!state) continue;
    std::string name = callback->name();
    for (int nth = 2; !taken.insert(name).second; ++nth) name = absl::StrCat(callback->name(), "[", nth, "]");
    visit(name, *std::move(state), *callback);
  }
}

CallbackStates DynamicCallbackList::states(const CallbackStates& others) const {
  CallbackStates all;
  const auto put = [&](const auto& name, CallbackState state, DynamicCallback&) { all[name] = std::move(state); };
  for_each_state(others, put);
  return all;
}

void DynamicCallbackList::load_states(const CallbackStates& states, const CallbackStates& others) {
  for_each_state(others, [&](const auto& name, const CallbackState&, DynamicCallback& callback) {
    if (const auto found = states.find(name); found != states.end()) callback.load_state(found->second);
  });
}

void DynamicCallbackHandler::warn_without_default_flow() const {
  const std::vector<std::string> names = callback_list();
  if (std::count(names.begin(), names.end(), "DefaultFlowCallback") > 0) return;
  warn(absl::StrCat(
      "no DefaultFlowCallback is among the callbacks, so nothing logs, evaluates, saves or stops; they are ",
      names.empty() ? "none" : absl::StrJoin(names, ", ")));
}

}  // namespace downbeat
