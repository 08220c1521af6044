// Reads lines "size batch_size drop_last world_size"; for each it writes a line with the shards of all ranks (their
// examples separated by commas, ranks by semicolons), a slash, and how many are kept of each gathered round.
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include "trainer/data/shard.h"

namespace {

std::string joined(const std::vector<int64_t>& numbers) {
  std::string text;
  for (const int64_t number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
  return text;
}

std::vector<int64_t> kept(int64_t size, int64_t batch_size, bool drop_last, int world_size) {
  std::vector<int64_t> all;
  for (int64_t batch = 0; batch < downbeat::batches_of_shard(size, batch_size, drop_last, world_size); ++batch) {
    all.push_back(downbeat::kept_of_gathered(batch, size, batch_size, world_size));
  }
  return all;
}

}  // namespace

int main() {
  int64_t size = 0, batch_size = 0;
  bool drop_last = false;
  int world_size = 0;
  while (std::cin >> size >> batch_size >> drop_last >> world_size) {
    std::vector<int64_t> order(static_cast<std::size_t>(size));
    std::iota(order.begin(), order.end(), 0);
    for (int rank = 0; rank < world_size; ++rank) {
      std::cout << (rank > 0 ? ";" : "")
                << joined(downbeat::shard_of(order, batch_size, drop_last, {rank, world_size}));
    }
    std::cout << "/" << joined(kept(size, batch_size, drop_last, world_size)) << "\n";
  }
}
