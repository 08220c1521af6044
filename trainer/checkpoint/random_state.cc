#include "trainer/checkpoint/random_state.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>

#include <cstdint>
#include <exception>
#include <mutex>
#include <random>
#include <sstream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace downbeat {
namespace {

constexpr int kWords = 624;  // of a Mersenne twister

// The words of a generator with the standard's seed, of which nothing has been drawn.
PythonList fresh_twister() {
  std::stringstream text;
  text << std::mt19937();
  PythonList words;
  for (int i = 0; i < kWords; ++i) {
    int64_t word = 0;
    text >> word;
    words.emplace_back(word);
  }
  return words;
}

PythonValue python_state() {
  PythonList words = fresh_twister();
  words.emplace_back(int64_t{kWords});  // the position: new words are made before the next number
  return PythonTuple{{int64_t{3}, PythonTuple{std::move(words)}, PythonValue()}};
}

PythonValue numpy_state() {
  return PythonTuple{{std::string("MT19937"), fresh_twister(), int64_t{kWords}, int64_t{0}, 0.0}};
}

at::Tensor state_of(at::Generator generator) {
  const std::lock_guard lock(generator.mutex());
  return generator.get_state();
}

absl::Status set_state(const PythonDict& states, const char* name, at::Generator generator) {
  const PythonValue* found = states.find(name);
  const auto* bytes = found ? std::get_if<at::Tensor>(found) : nullptr;
  if (!bytes) return absl::DataLossError(absl::StrCat("the random state has no tensor called ", name));
  try {
    const std::lock_guard lock(generator.mutex());
    generator.set_state(*bytes);
    return absl::OkStatus();
  } catch (const std::exception&) {  // LibTorch's own checks of size and content
    return absl::DataLossError(absl::StrCat("the tensor ", name, " is not the state of a random number generator"));
  }
}

PythonDict states_with(const at::Tensor& cpu) {
  PythonDict states;
  states.set("python", python_state());
  states.set("numpy", numpy_state());
  states.set("cpu", cpu);
  return states;
}

PythonValue random_state() {
  PythonDict states = states_with(state_of(at::detail::getDefaultCPUGenerator()));
  if (at::hasCUDA()) states.set("cuda", state_of(at::globalContext().defaultGenerator(at::kCUDA)));
  return states;
}

}  // namespace

std::vector<PythonValue> random_states(ProcessGroup& group) {
  if (!group.is_distributed()) return {random_state()};
  std::vector<PythonValue> all;
  const at::Tensor mine = state_of(at::detail::getDefaultCPUGenerator());
  for (const at::Tensor& cpu : group.all_gather(mine).chunk(group.world_size()))
    all.push_back(states_with(cpu.clone()));
  return all;
}

absl::Status set_random_state(const PythonValue& state) {
  const auto* states = std::get_if<PythonDict>(&state);
  if (!states) return absl::DataLossError(absl::StrCat("the random state is no dict but ", python_type(state)));
  const absl::Status status = set_state(*states, "cpu", at::detail::getDefaultCPUGenerator());
  const bool has_gpu = at::hasCUDA() && states->find("cuda");  // the run may have begun without one
  return status.ok() && has_gpu ? set_state(*states, "cuda", at::globalContext().defaultGenerator(at::kCUDA)) : status;
}

}  // namespace downbeat
