#include "trainer/checkpoint/state_dict.h"

#include <c10/core/GradMode.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "callbacks/vocabulary/message.h"

namespace downbeat {
namespace {

std::string shape_text(const at::Tensor& tensor) { return absl::StrCat("[", absl::StrJoin(tensor.sizes(), ", "), "]"); }

// All that tied tensors have in common; nothing that could be a tensor's where there is no memory to share.
using Elements = std::tuple<const void*, at::ScalarType, std::vector<int64_t>, std::vector<int64_t>>;

Elements elements_of(const at::Tensor& tensor) {
  const bool has_memory = tensor.defined() && tensor.layout() == at::kStrided && tensor.numel() > 0;
  if (!has_memory) return {};
  return {tensor.const_data_ptr(), tensor.scalar_type(), tensor.sizes().vec(), tensor.strides().vec()};
}

// The names of the model that the file lacks. Of tied ones it needs only one.
std::vector<std::string> missing_names(const StateDict& own, const StateDict& tensors) {
  const std::map<std::string, std::string> tied = tied_names(own);
  const auto first_name = [&](const std::string& name) {
    const auto found = tied.find(name);
    return found == tied.end() ? name : found->second;
  };
  std::set<std::string> there;
  for (const auto& item : own) {
    if (tensors.count(item.first) > 0) there.insert(first_name(item.first));
  }
  std::vector<std::string> missing;
  for (const auto& item : own) {
    if (there.count(first_name(item.first)) == 0) missing.push_back(item.first);
  }
  return missing;
}

std::vector<std::string> unexpected_names(const StateDict& own, const StateDict& tensors) {
  std::vector<std::string> unexpected;
  for (const auto& item : tensors) {
    if (own.count(item.first) == 0) unexpected.push_back(item.first);
  }
  return unexpected;
}

absl::Status check_shapes(const StateDict& own, const StateDict& tensors) {
  for (const auto& [name, tensor] : own) {
    const auto found = tensors.find(name);
    if (found == tensors.end() || found->second.sizes() == tensor.sizes()) continue;
    return absl::InvalidArgumentError(absl::StrCat(name, " has shape ", shape_text(found->second), " in the file but ",
                                                   shape_text(tensor), " in the model"));
  }
  return absl::OkStatus();
}

}  // namespace

StateDict state_dict(const torch::nn::Module& model) {
  StateDict tensors;
  for (const auto& parameter : model.named_parameters()) tensors[parameter.key()] = parameter.value();
  for (const auto& buffer : model.named_buffers()) {
    if (buffer.value().defined()) tensors[buffer.key()] = buffer.value();
  }
  return tensors;
}

absl::Status check_state_dict(const torch::nn::Module& model, const StateDict& tensors, bool strict) {
  const StateDict own = state_dict(model);
  if (absl::Status status = check_shapes(own, tensors); !status.ok()) return status;
  const std::vector<std::string> missing = missing_names(own, tensors), unexpected = unexpected_names(own, tensors);
  for (const auto& [names, what] : {std::pair(&missing, "lacks"), std::pair(&unexpected, "has unexpected")}) {
    if (names->empty()) continue;
    const std::string sentence = absl::StrCat("the file ", what, " ", absl::StrJoin(*names, ", "));
    if (strict) return absl::InvalidArgumentError(sentence);
    warn(sentence);
  }
  return absl::OkStatus();
}

absl::Status load_state_dict(torch::nn::Module& model, StateDict tensors, bool strict) {
  if (absl::Status status = check_state_dict(model, tensors, strict); !status.ok()) return status;
  const c10::NoGradGuard no_grad;
  for (const auto& [name, tensor] : state_dict(model)) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) continue;
    tensor.copy_(found->second);
    tensors.erase(found);  // where it is mapped, its memory is given back
  }
  return absl::OkStatus();
}

std::map<std::string, std::string> tied_names(const StateDict& tensors) {
  std::map<Elements, std::string> first_names;
  std::map<std::string, std::string> tied;
  for (const auto& [name, tensor] : tensors) {
    const Elements elements = elements_of(tensor);
    if (!std::get<const void*>(elements)) continue;
    const auto [first, is_new] = first_names.emplace(elements, name);
    if (!is_new) tied[name] = first->second;
  }
  return tied;
}

}  // namespace downbeat
