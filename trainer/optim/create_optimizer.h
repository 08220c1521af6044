// The optimizer that the arguments ask for, over HuggingFace's two groups of a model's parameters.
#pragma once

#include <memory>
#include <vector>

#include "callbacks/vocabulary/training_arguments.h"
#include "trainer/optim/optimizer.h"

namespace torch::nn {
class Module;
}

namespace downbeat {

// Always two groups: those with args.weight_decay, then those without (biases and normalisations: by name, as
// HuggingFace's Trainer.get_decay_parameter_names, and whatever lies in an nn::LayerNorm). Only parameters that require
// a gradient, in the order of the model; a group may be empty.
std::vector<ParameterGroup> parameter_groups(const torch::nn::Module& model, const TrainingArguments& args);

// By args.optim and args.optim_args. Throws std::invalid_argument as check_optimizer_arguments.
std::unique_ptr<Optimizer> create_optimizer(const torch::nn::Module& model, const TrainingArguments& args);

}  // namespace downbeat
