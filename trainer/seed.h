// Seeds and threads: what makes a run repeatable.
//
//   downbeat::set_seed(args.seed);        // before the model is built: its initial weights then equal PyTorch's
//   downbeat::set_num_threads(1);         // the number of threads changes the last bits of sums
#pragma once

#include <cstdint>

namespace downbeat {

// Seeds the default generators of all devices, as torch.manual_seed.
void set_seed(int64_t seed);

// set_seed, and only deterministic kernels from here on (an operation without one throws), as HuggingFace's
// full_determinism.
void enable_full_determinism(int64_t seed);

// Threads inside one operation, as torch.set_num_threads. By default LibTorch takes one a core.
void set_num_threads(int threads);

}  // namespace downbeat
