// Single numbers over all ranks: what Trainer counts and logs. Collectives; a process that is alone gets its own back.
#pragma once

#include <cstdint>

#include "trainer/distributed/process_group.h"

namespace downbeat {

int64_t sum_over_ranks(ProcessGroup& group, int64_t number);

// As HuggingFace's losses: the mean of float32 numbers, itself one.
double mean_over_ranks(ProcessGroup& group, double number);

int64_t of_rank_0(ProcessGroup& group, int64_t number);
double of_rank_0(ProcessGroup& group, double number);

}  // namespace downbeat
