// The order of the training samples: HuggingFace's, sample for sample.
//
// Each epoch is shuffled by a generator of its own, seeded with base_seed + epoch, so that shuffling never touches the
// default generator and an epoch's order does not depend on what happened before it.
#pragma once

#include <cstdint>
#include <vector>

#include "trainer/data/batch.h"

namespace downbeat {

class Sampler {
 public:
  // `size` examples in batches of `batch_size`; the last batch is shorter, or left out with `drop_last`.
  Sampler(int64_t size, int64_t batch_size, bool drop_last);

  void shuffle(int64_t base_seed, int64_t epoch);

  int64_t size() const { return static_cast<int64_t>(order_.size()); }
  int64_t batches() const;
  Indices batch(int64_t number) const;  // 0 <= number < batches()

 private:
  std::vector<int64_t> order_;
  int64_t batch_size_;
  bool drop_last_;
};

}  // namespace downbeat
