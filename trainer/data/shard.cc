#include "trainer/data/shard.h"

#include <algorithm>

#include "trainer/data/divided_up.h"

namespace downbeat {

int64_t batches_of_shard(int64_t size, int64_t batch_size, bool drop_last, int world_size) {
  return drop_last ? size / batch_size / world_size : divided_up(divided_up(size, batch_size), world_size);
}

std::vector<int64_t> shard_of(std::span<const int64_t> order, int64_t batch_size, bool drop_last, Shard shard) {
  const auto [rank, world_size] = shard;
  const auto size = static_cast<int64_t>(order.size());
  const int64_t batches = batches_of_shard(size, batch_size, drop_last, world_size);
  const bool is_alone = world_size == 1;  // and needs no full batches
  const int64_t last = is_alone ? std::min(size, batches * batch_size) : batches * batch_size * world_size;
  std::vector<int64_t> mine;
  mine.reserve(static_cast<std::size_t>(batches * batch_size));
  for (int64_t first = rank * batch_size; first < last; first += world_size * batch_size) {
    for (int64_t i = first; i < std::min(last, first + batch_size); ++i) {
      mine.push_back(order[static_cast<std::size_t>(i % size)]);
    }
  }
  return mine;
}

int64_t kept_of_gathered(int64_t batch, int64_t size, int64_t batch_size, int world_size) {
  const int64_t gathered = batch_size * world_size;
  return std::clamp<int64_t>(size - batch * gathered, 0, gathered);
}

}  // namespace downbeat
