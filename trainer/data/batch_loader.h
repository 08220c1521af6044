// BatchLoader: the batches of one pass over a dataset, in order; with workers they are made ahead of time on threads.
//
//   BatchLoader<Batch> loader([&](Indices indices) { return data.get_batch(indices); }, {.num_workers = 2});
//   loader.begin(sampler);
//   for (int64_t i = 0; i < sampler.batches(); ++i) use(loader.next());
//
// Order and content are the same with any number of workers, as long as the dataset gives the same example each time it
// is asked: it is asked by several threads at once, and one that draws random numbers should draw them from a generator
// of its own that is seeded with the position. What making a batch throws is thrown by the next() that would give it.
#pragma once

#include <c10/core/thread_pool.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <utility>

#include "trainer/data/batch.h"
#include "trainer/data/sampler.h"

namespace downbeat {

struct Workers {
  int64_t num_workers = 0;      // threads; 0: a batch is made when it is asked for
  int64_t prefetch_factor = 2;  // batches ahead of time for each of them
};

template <class BatchType>
class BatchLoader {
 public:
  BatchLoader(std::function<BatchType(Indices)> make, Workers workers)
      : make_(std::move(make)), ahead_(static_cast<std::size_t>(workers.num_workers * workers.prefetch_factor)) {
    if (workers.num_workers > 0) threads_ = std::make_unique<c10::TaskThreadPool>(workers.num_workers);
  }

  // A pass in the order of `sampler` from its batch `first` on. What the pass before left over is dropped.
  void begin(Sampler sampler, int64_t first = 0) {
    made_.clear();
    sampler_ = std::make_shared<const Sampler>(std::move(sampler));
    next_ = first;
    make_ahead();
  }

  // Call it as often as there are batches.
  BatchType next() {
    if (!threads_) return make_(sampler_->batch(next_++));
    make_ahead();
    std::future<BatchType> first = std::move(made_.front());
    made_.pop_front();
    return first.get();
  }

 private:
  void make_ahead() {
    while (threads_ && made_.size() < ahead_ && next_ < sampler_->batches()) {
      auto task = std::make_shared<std::packaged_task<BatchType()>>(
          [this, sampler = sampler_, number = next_++] { return make_(sampler->batch(number)); });
      made_.push_back(task->get_future());
      threads_->run([task] { (*task)(); });
    }
  }

  std::function<BatchType(Indices)> make_;
  std::shared_ptr<const Sampler> sampler_;  // shared: a thread may still be at the pass before
  int64_t next_ = 0;                        // the first batch of the pass that nobody makes yet
  std::size_t ahead_;
  std::deque<std::future<BatchType>> made_;       // or being made
  std::unique_ptr<c10::TaskThreadPool> threads_;  // last: they use the others until they have ended
};

}  // namespace downbeat
