#include "trainer/data/batch_loader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include "trainer/data/sampler.h"

namespace downbeat {
namespace {

using Ints = std::vector<int64_t>;

Ints copied(Indices indices) { return {indices.begin(), indices.end()}; }

std::vector<Ints> all_of(BatchLoader<Ints>& loader, const Sampler& sampler, int64_t first = 0) {
  loader.begin(sampler, first);
  std::vector<Ints> batches;
  for (int64_t i = first; i < sampler.batches(); ++i) batches.push_back(loader.next());
  return batches;
}

TEST(BatchLoader, GivesTheSameBatchesInTheSameOrderWithAnyNumberOfWorkers) {
  Sampler sampler(101, 4, /*drop_last=*/false);
  sampler.shuffle(42, 1);
  BatchLoader<Ints> plain(copied, {});
  const std::vector<Ints> expected = all_of(plain, sampler);
  EXPECT_EQ(expected.size(), 26u);
  for (const Workers workers : {Workers{1, 1}, Workers{1, 5}, Workers{2, 2}, Workers{7, 30}}) {
    BatchLoader<Ints> loader(copied, workers);
    EXPECT_EQ(all_of(loader, sampler), expected) << workers.num_workers << " workers";
    EXPECT_EQ(all_of(loader, sampler), expected) << "a second pass";
  }
}

TEST(BatchLoader, BeginsInTheMiddleOfAPass) {
  const Sampler sampler(6, 2, /*drop_last=*/false);
  for (const int64_t num_workers : {0, 2}) {
    BatchLoader<Ints> loader(copied, {.num_workers = num_workers});
    EXPECT_EQ(all_of(loader, sampler, 1), (std::vector<Ints>{{2, 3}, {4, 5}}));
  }
}

TEST(BatchLoader, ForgetsWhatAnEarlierPassLeftOver) {
  Sampler sampler(40, 2, /*drop_last=*/false);
  BatchLoader<Ints> loader(copied, {.num_workers = 2, .prefetch_factor = 4});
  for (int64_t epoch = 0; epoch < 20; ++epoch) {
    loader.begin(sampler);
    EXPECT_EQ(loader.next(), copied(sampler.batch(0)));
    sampler.shuffle(7, epoch);  // while the workers may be at the pass before
    EXPECT_EQ(loader.next().size(), 2u);
  }
}

TEST(BatchLoader, MakesBatchesOnOtherThreadsBeforeTheyAreAskedFor) {
  std::promise<void> made_second;
  const std::thread::id own = std::this_thread::get_id();
  std::atomic<bool> was_own = false;
  BatchLoader<Ints> loader(
      [&](Indices indices) {
        if (std::this_thread::get_id() == own) was_own = true;
        if (indices[0] == 2) made_second.set_value();
        return copied(indices);
      },
      {.num_workers = 1, .prefetch_factor = 2});
  loader.begin(Sampler(8, 2, /*drop_last=*/false));
  made_second.get_future().wait();  // nobody has asked for the first one
  EXPECT_EQ(loader.next(), (Ints{0, 1}));
  EXPECT_FALSE(was_own);
}

TEST(BatchLoader, ThrowsWhatMakingABatchThrewWhereThatBatchWouldCome) {
  for (const int64_t num_workers : {0, 3}) {
    BatchLoader<Ints> loader(
        [](Indices indices) -> Ints {
          if (indices[0] == 2) throw std::domain_error("row 2 is broken");
          return copied(indices);
        },
        {.num_workers = num_workers});
    loader.begin(Sampler(6, 2, /*drop_last=*/false));
    EXPECT_EQ(loader.next(), (Ints{0, 1}));
    EXPECT_THROW(loader.next(), std::domain_error);
    EXPECT_EQ(loader.next(), (Ints{4, 5}));
  }
}

}  // namespace
}  // namespace downbeat
