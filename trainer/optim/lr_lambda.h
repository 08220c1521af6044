// The learning rate as a share of the initial one, as a function of the steps done: HuggingFace's formulas
// (transformers/optimization.py), in its order of operations, so that the last bit is the same. Free of torch.
#pragma once

#include <cstdint>
#include <functional>

#include "callbacks/vocabulary/training_arguments.h"

namespace downbeat {

// By args.lr_scheduler_type, for a run of max_steps; not for those that follow a metric. Throws std::invalid_argument
// with one sentence for an unknown, missing or wrong one of args.lr_scheduler_kwargs.
std::function<double(int64_t)> lr_lambda(const TrainingArguments& args, int64_t max_steps);

}  // namespace downbeat
