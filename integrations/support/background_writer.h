// BackgroundWriter: moves what the training thread logs to a tracker, on a thread of its own, so that no disk and no
// server can slow the training down.
//
//   BackgroundWriter writer("TensorBoard", [this](const LogRecord& record) { write(record); }, [this] { flush(); });
//   writer.log(state, logs);                              // under a microsecond: numbers are copied, nothing is called
//   writer.post([this, directory] { upload(directory); });   // now and then; in order with the lines
//   writer.drain();                                        // waits until all of that is done
//   writer.report_dropped();
//
// The thread looks for work every 200 ms and is not woken by log(), as waking costs more than all the rest. What a
// tracker does with a line it does on that thread only. After `kill -9` at most the last 200 ms are missing.
#pragma once

#include <absl/functional/any_invocable.h>
#include <absl/time/time.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "callbacks/vocabulary/logs.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "integrations/support/record_queue.h"

namespace downbeat {

struct BackgroundWriterOptions {
  absl::Duration period = absl::Milliseconds(200);
  std::size_t limit = std::size_t{64} << 20;  // bytes that may wait; beyond it lines are dropped and counted
};

class BackgroundWriter {
 public:
  // `write` gets every line; `flush` is called when all that was there is written. `name` is for warnings. Nothing that
  // they throw leaves the thread: it is said in one warning.
  BackgroundWriter(std::string name, std::function<void(const LogRecord&)> write, std::function<void()> flush,
                   const BackgroundWriterOptions& options = {});
  ~BackgroundWriter();  // drains
  BackgroundWriter(const BackgroundWriter&) = delete;
  BackgroundWriter& operator=(const BackgroundWriter&) = delete;

  // From one thread only, the one that trains.
  void log(const TrainerState& state, const Logs& logs);
  void predicted(const TrainerState& state, const Metrics& metrics);
  void post(absl::AnyInvocable<void()> task);

  void flush();  // has the thread begin at once; does not wait
  void drain();  // waits until everything handed over so far is written and flushed

  void report_dropped() const;  // one closing line with the count of the values that did not fit, where there are some

 private:
  void run();
  void write_all();
  void attempt(const std::function<void()>& body);
  void push(const TrainerState& state, const Logs& logs, bool is_prediction);

  const std::string name_;
  const std::function<void(const LogRecord&)> write_;
  const std::function<void()> flush_;
  const BackgroundWriterOptions options_;
  RecordQueue queue_;
  bool warned_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t asked_ = 0;  // flushes
  int64_t done_ = 0;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace downbeat
