#include "trainer/optim/create_optimizer.h"

#include <torch/nn/module.h>
#include <torch/nn/modules/normalization.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <unordered_set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "trainer/optim/adafactor.h"
#include "trainer/optim/adagrad.h"
#include "trainer/optim/adamw.h"
#include "trainer/optim/optimizer_arguments.h"
#include "trainer/optim/rmsprop.h"
#include "trainer/optim/sgd.h"

namespace downbeat {
namespace {

// bias, layernorm, rmsnorm anywhere; a component that is norm or ends in _norm.
bool has_name_without_decay(const std::string& dotted_name) {
  const std::string name = absl::AsciiStrToLower(dotted_name);
  for (const char* word : {"bias", "layernorm", "rmsnorm"}) {
    if (absl::StrContains(name, word)) return true;
  }
  const std::vector<std::string> components = absl::StrSplit(name, '.');
  return std::any_of(components.begin(), components.end(), [](const std::string& component) {
    return component == "norm" || absl::EndsWith(component, "_norm");
  });
}

void add_parameters(const torch::nn::Module& module, const std::string& prefix, bool decays,
                    std::unordered_set<const void*>& seen, std::vector<ParameterGroup>& groups) {
  // HuggingFace looks at modules inside the model only, not at the model itself.
  for (const auto& parameter : module.named_parameters(/*recurse=*/false)) {
    const bool is_shared = !seen.insert(parameter.value().unsafeGetTensorImpl()).second;  // tied weights step once
    if (is_shared || !parameter.value().requires_grad()) continue;
    const bool has_decay = decays && !has_name_without_decay(prefix + parameter.key());
    groups[has_decay ? 0 : 1].parameters.push_back(parameter.value());
  }
  for (const auto& child : module.named_children()) {
    const bool is_layer_norm = child.value()->as<torch::nn::LayerNormImpl>() != nullptr;
    add_parameters(*child.value(), prefix + child.key() + ".", decays && !is_layer_norm, seen, groups);
  }
}

}  // namespace

std::vector<ParameterGroup> parameter_groups(const torch::nn::Module& model, const TrainingArguments& args) {
  std::vector<ParameterGroup> groups = {{.parameters = {}, .lr = args.learning_rate, .weight_decay = args.weight_decay},
                                        {.parameters = {}, .lr = args.learning_rate, .weight_decay = 0.0}};
  std::unordered_set<const void*> seen;
  add_parameters(model, "", /*decays=*/true, seen, groups);
  return groups;
}

std::unique_ptr<Optimizer> create_optimizer(const torch::nn::Module& model, const TrainingArguments& args) {
  using enum OptimizerNames;
  std::vector<ParameterGroup> groups = parameter_groups(model, args);
  const OptimizerArguments given(args);
  switch (args.optim) {
    case adamw_torch_fused:
    case adamw_torch: {
      const std::optional<bool> fused = args.optim == adamw_torch_fused ? std::optional(true) : std::nullopt;
      const AdamW::Settings settings{
          .beta1 = args.adam_beta1, .beta2 = args.adam_beta2, .eps = args.adam_epsilon, .fused = fused};
      return std::make_unique<AdamW>(std::move(groups), settings);
    }
    case sgd: {
      const SGD::Settings settings{.momentum = given.number("momentum", 0),
                                   .dampening = given.number("dampening", 0),
                                   .nesterov = given.flag("nesterov")};
      return std::make_unique<SGD>(std::move(groups), settings);
    }
    case adagrad: {
      const Adagrad::Settings settings{.lr_decay = given.number("lr_decay", 0), .eps = given.number("eps", 1e-10)};
      return std::make_unique<Adagrad>(std::move(groups), settings);
    }
    case rmsprop: {
      const RMSprop::Settings settings{.momentum = given.number("momentum", 0),
                                       .alpha = given.number("alpha", 0.99),
                                       .eps = given.number("eps", 1e-8),
                                       .centered = given.flag("centered")};
      return std::make_unique<RMSprop>(std::move(groups), settings);
    }
    case adafactor:
      return std::make_unique<Adafactor>(std::move(groups));
  }
  throw std::invalid_argument("optim=" + to_string(args.optim) + " is not known");
}

}  // namespace downbeat
