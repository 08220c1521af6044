// Checkpoint: a directory `checkpoint-<step>`, as `on_save` and `on_load_checkpoint` hear it.
#pragma once

#include <cstdint>
#include <string>

namespace downbeat {

struct Checkpoint {
  std::string directory = {};  // as built from output_dir: a relative one stays relative
  int64_t step = 0;            // global_step when it was written
};

}  // namespace downbeat
