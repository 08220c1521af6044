// Which examples one rank works on: those that HuggingFace gives it (accelerate's BatchSamplerShard with
// split_batches=False and even_batches=True), so that a run on several processes sees the same batches.
//
//   const std::vector<int64_t> mine = downbeat::shard_of(order, 16, /*drop_last=*/false, {.rank = 1, .world_size = 4});
//
// Every rank has the same order of all examples and cuts it into batches; rank r takes the batches r, r + world_size,
// ... All ranks get equally many full batches, as every batch is a collective: the last ones are filled with examples
// from the beginning of the order. Evaluation drops what was filled in again after gathering: see kept_of_gathered.
// Free of torch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace downbeat {

// The place of a process among those that share a set: 0 <= rank < world_size.
struct Shard {
  int rank = 0;
  int world_size = 1;
};

// How many batches of `batch_size` each rank has of `size` examples. With `drop_last`, batches that are not full or not
// there for every rank are left out.
int64_t batches_of_shard(int64_t size, int64_t batch_size, bool drop_last, int world_size);

// The examples of one rank, batch after batch; with more than one rank all batches are full. A rank that is alone has
// the whole order, whose last batch may be shorter, unless `drop_last`. `batch_size` is at least 1.
std::vector<int64_t> shard_of(std::span<const int64_t> order, int64_t batch_size, bool drop_last, Shard shard);

// How many examples count of those gathered, rank after rank, from the batches number `batch` of all ranks: the first
// ones; the rest was filled in (accelerate's gather_for_metrics). `size` is that of the whole set.
int64_t kept_of_gathered(int64_t batch, int64_t size, int64_t batch_size, int world_size);

}  // namespace downbeat
