#include "trainer/seed.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <cstdlib>

namespace downbeat {

void set_seed(int64_t seed) { at::manual_seed(static_cast<uint64_t>(seed)); }

void enable_full_determinism(int64_t seed) {
  setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8", /*overwrite=*/1);
  set_seed(seed);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
  at::globalContext().setDeterministicCuDNN(true);
  at::globalContext().setBenchmarkCuDNN(false);
}

void set_num_threads(int threads) { at::set_num_threads(threads); }

}  // namespace downbeat
