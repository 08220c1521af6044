// The state of the random number generators as rng_state.pth holds it.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "trainer/distributed/process_group.h"
#include "trainer/torch_file/python_value.h"

namespace downbeat {

// {"python", "numpy", "cpu"} of each rank, on every rank, and, where there is a GPU, "cuda": a collective. Nothing here
// draws from the generators of Python and numpy: theirs are those of a fresh seed, so that HuggingFace, which insists
// on them, can go on from the file.
std::vector<PythonValue> random_states(ProcessGroup& group);

// Sets the generators of LibTorch. A state of the wrong kind or size is one sentence, and changes nothing.
absl::Status set_random_state(const PythonValue& state);

}  // namespace downbeat
