// The schedule that the arguments ask for, as HuggingFace's get_scheduler.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "callbacks/vocabulary/training_arguments.h"
#include "trainer/optim/lr_scheduler.h"
#include "trainer/optim/optimizer.h"

namespace downbeat {

// By args.lr_scheduler_type and args.lr_scheduler_kwargs, for a run of max_steps. Throws std::invalid_argument with one
// sentence for an unknown, missing or wrong one of these.
std::unique_ptr<LRScheduler> create_scheduler(Optimizer& optimizer, const TrainingArguments& args, int64_t max_steps);

// Throws what create_scheduler would.
void check_scheduler(const TrainingArguments& args);

}  // namespace downbeat
