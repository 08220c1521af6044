// The order of the samples: HuggingFace's, sample for sample.
//
// Each epoch is shuffled by a generator of its own, seeded with base_seed + epoch, so that shuffling never touches the
// default generator and an epoch's order does not depend on what happened before it. Only the grouping by length draws
// from the default generator, as HuggingFace's does.
#pragma once

#include <ATen/core/Generator.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "trainer/data/batch.h"
#include "trainer/data/shard.h"

namespace downbeat {

class Sampler {
 public:
  // `size` examples in batches of `batch_size`; the last batch is shorter, or left out with `drop_last`. Of several
  // processes each has its shard, whose batches are all full.
  Sampler(int64_t size, int64_t batch_size, bool drop_last, Shard shard = {});

  void shuffle(int64_t base_seed, int64_t epoch);
  // Shuffles, then puts those of like length (one for each example) together: the order is cut into pieces of at most
  // 50 groups, each sorted from the longest on, and the longest of all comes first, so that memory runs out at once or
  // not at all. HuggingFace's get_length_grouped_indices. Without a generator it draws from the default one.
  void group_by_length(const std::vector<int64_t>& lengths, int64_t group_size, std::optional<at::Generator> generator);

  // The whole order, in place of one that was drawn here: each number below size() once.
  void set_order(std::vector<int64_t> order);
  const std::vector<int64_t>& order() const { return order_; }

  int64_t size() const { return static_cast<int64_t>(order_.size()); }  // of the whole set
  int64_t batches() const;                                              // of this process
  Indices batch(int64_t number) const;                                  // 0 <= number < batches()

 private:
  void permute(const std::optional<at::Generator>& generator);
  void take_shard();

  std::vector<int64_t> order_;
  std::vector<int64_t> mine_;  // of order_; a process that is alone has no need of it
  int64_t batch_size_;
  bool drop_last_;
  Shard shard_;
};

}  // namespace downbeat
