#include "trainer/data/shard.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace downbeat {
namespace {

using Examples = std::vector<int64_t>;

Examples in_order(int64_t size) {
  Examples order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

TEST(Shard, GivesEachRankEverySecondBatch) {
  const Examples order = {5, 3, 7, 1, 0, 2, 6, 4};
  EXPECT_EQ(shard_of(order, 2, false, {0, 2}), (Examples{5, 3, 0, 2}));
  EXPECT_EQ(shard_of(order, 2, false, {1, 2}), (Examples{7, 1, 6, 4}));
}

TEST(Shard, FillsTheLastBatchesFromTheBeginning) {
  const Examples order = in_order(9);
  EXPECT_EQ(shard_of(order, 2, false, {0, 2}), (Examples{0, 1, 4, 5, 8, 0}));
  EXPECT_EQ(shard_of(order, 2, false, {1, 2}), (Examples{2, 3, 6, 7, 1, 2}));
}

TEST(Shard, FillsFromTheBeginningAgainAndAgainWhereThereAreFewerExamplesThanPlaces) {
  const Examples order = in_order(3);
  EXPECT_EQ(shard_of(order, 4, false, {0, 2}), (Examples{0, 1, 2, 0}));
  EXPECT_EQ(shard_of(order, 4, false, {1, 2}), (Examples{1, 2, 0, 1}));
}

TEST(Shard, DropsBatchesThatNotEveryRankHas) {
  const Examples order = in_order(11);
  EXPECT_EQ(shard_of(order, 2, true, {0, 2}), (Examples{0, 1, 4, 5}));
  EXPECT_EQ(shard_of(order, 2, true, {1, 2}), (Examples{2, 3, 6, 7}));
}

TEST(Shard, LeavesOneProcessItsOrderWithAShortLastBatch) {
  const Examples order = in_order(7);
  EXPECT_EQ(shard_of(order, 4, false, {0, 1}), order);
  EXPECT_EQ(shard_of(order, 4, true, {0, 1}), (Examples{0, 1, 2, 3}));
}

TEST(Shard, IsEmptyWhereThereIsNothing) {
  EXPECT_TRUE(shard_of({}, 4, false, {1, 2}).empty());
  EXPECT_EQ(batches_of_shard(0, 4, false, 2), 0);
}

TEST(Shard, HasAsManyBatchesOnEveryRankAsItSays) {
  for (int64_t size = 1; size < 40; ++size) {
    for (const bool drop_last : {false, true}) {
      const int64_t batches = batches_of_shard(size, 3, drop_last, 4);
      for (int rank = 0; rank < 4; ++rank) {
        EXPECT_EQ(shard_of(in_order(size), 3, drop_last, {rank, 4}).size(), static_cast<std::size_t>(3 * batches));
      }
    }
  }
}

TEST(Shard, KeepsEachExampleOnceAndInOrderAfterGathering) {
  for (int64_t size = 1; size < 40; ++size) {
    Examples kept;
    for (int64_t batch = 0; batch < batches_of_shard(size, 3, false, 4); ++batch) {
      Examples gathered;
      for (int rank = 0; rank < 4; ++rank) {
        const Examples mine = shard_of(in_order(size), 3, false, {rank, 4});
        gathered.insert(gathered.end(), mine.begin() + 3 * batch, mine.begin() + 3 * (batch + 1));
      }
      gathered.resize(static_cast<std::size_t>(kept_of_gathered(batch, size, 3, 4)));
      kept.insert(kept.end(), gathered.begin(), gathered.end());
    }
    EXPECT_EQ(kept, in_order(size));
  }
}

}  // namespace
}  // namespace downbeat
