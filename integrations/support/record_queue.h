// RecordQueue: what the training thread hands over to a tracker's thread: lines of logs, packed into plain bytes, and
// now and then a task. Lock-free, for one thread at each end; the order is kept; bounded in bytes.
//
//   queue.push(step, epoch, now_us(), /*is_prediction=*/false, logs);    // training thread: copies numbers and returns
//   queue.pop([&](const LogRecord& record) { ... });                     // tracker's thread; tasks are run on the way
//
// Implementation of background_writer.h.
#pragma once

#include <absl/functional/any_invocable.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "callbacks/vocabulary/logs.h"
#include "integrations/support/log_record.h"

namespace downbeat {

class RecordQueue {
 public:
  using Task = absl::AnyInvocable<void()>;

  // `limit`: bytes that may wait, in pieces of 64 KiB of which one is always there. What does not fit is dropped and
  // counted.
  explicit RecordQueue(std::size_t limit);
  ~RecordQueue();
  RecordQueue(const RecordQueue&) = delete;
  RecordQueue& operator=(const RecordQueue&) = delete;

  // --- The thread that logs ---

  // False when the line was dropped because the queue is full.
  bool push(int64_t step, double epoch, int64_t time_us, bool is_prediction, const Logs& logs);
  void push(Task task);  // never dropped

  // --- The thread that writes ---

  // Takes all that is there, in order: calls `line` for each line and runs each task. False when there was nothing.
  bool pop(const std::function<void(const LogRecord&)>& line);

  // --- Both ---

  int64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }  // values of the lines dropped

 private:
  struct Chunk;

  char* reserve(std::size_t size, bool even_if_full);
  void publish(std::size_t size);

  const std::size_t limit_;
  std::atomic<std::size_t> bytes_{0};  // of all chunks
  std::atomic<int64_t> dropped_{0};
  std::atomic<Chunk*> spare_{nullptr};  // an emptied chunk, to be filled again
  Chunk* last_;                         // being filled
  Chunk* first_;                        // being emptied
  std::size_t read_ = 0;                // bytes of first_
};

}  // namespace downbeat
