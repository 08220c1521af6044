// Are all ranks started alike? Found at the start and said in one sentence, instead of a hang in the middle of a run.
//
//   check_same_on_all_ranks(group, "the arguments", to_json(args));
//   check_same_on_all_ranks(group, "the model's parameters and buffers", describe_tensors(parameters));
//
// GradientReducer does the second one itself.
#pragma once

#include <string>

#include "trainer/distributed/process_group.h"
#include "trainer/optim/gradients.h"

namespace downbeat {

// Throws std::runtime_error, the same on every rank, if `text` is not that of rank 0 on each of them: it names the
// first such rank and the first line that differs. A collective. `what` begins the sentence: "the arguments".
void check_same_on_all_ranks(ProcessGroup& group, const std::string& what, const std::string& text);

// Of each tensor a line with its name, type and shape, in order: what has to be the same on all ranks.
std::string describe_tensors(const NamedParameters& tensors);

}  // namespace downbeat
