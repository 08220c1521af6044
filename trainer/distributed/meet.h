// The other processes of the run, met: what Trainer does before anything else where torchrun has started several.
//
//   const std::shared_ptr<ProcessGroup> group = meet_other_processes(args);
//   if (group->is_distributed()) ...
//
// A process that is alone gets a group of one, which costs nothing. For another way of meeting make a ProcessGroup
// (process_group.h).
#pragma once

#include <memory>

#include "callbacks/vocabulary/training_arguments.h"
#include "trainer/distributed/process_group.h"

namespace downbeat {

// The group of this process, by torchrun's environment: one for all Trainers that live at the same time. Throws
// std::runtime_error where the environment is wrong, a rank does not come within args.ddp_timeout, or another one runs
// another program or has other arguments; std::invalid_argument for arguments that several processes cannot have.
std::shared_ptr<ProcessGroup> meet_other_processes(const TrainingArguments& args);

}  // namespace downbeat
