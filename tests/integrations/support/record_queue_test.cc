#include "integrations/support/record_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace downbeat {
namespace {

using testing::ElementsAre;

std::vector<LogRecord> all_in(RecordQueue& queue) {
  std::vector<LogRecord> records;
  while (queue.pop([&](const LogRecord& record) { records.push_back(record); })) {
  }
  return records;
}

TEST(RecordQueue, GivesALineBackAsItWas) {
  RecordQueue queue(1 << 20);
  const Logs logs{{"loss", 0.5}, {"tokens", int64_t{1} << 60}, {"note", std::string("text")}, {"", std::string()}};
  ASSERT_TRUE(queue.push(7, 1.5, 123, /*is_prediction=*/true, logs));
  const std::vector<LogRecord> records = all_in(queue);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].step, 7);
  EXPECT_EQ(records[0].epoch, 1.5);
  EXPECT_EQ(records[0].time_us, 123);
  EXPECT_TRUE(records[0].is_prediction);
  EXPECT_EQ(records[0].logs, logs);
}

TEST(RecordQueue, RunsTasksInOrderWithTheLines) {
  RecordQueue queue(1 << 20);
  std::vector<std::string> order;
  queue.push(1, 0, 0, false, {{"a", 1.0}});
  queue.push([&] { order.emplace_back("task"); });
  queue.push(2, 0, 0, false, {{"b", 1.0}});
  queue.pop([&](const LogRecord& record) { order.push_back(record.logs.begin()->first); });
  EXPECT_THAT(order, ElementsAre("a", "task", "b"));
}

TEST(RecordQueue, CountsTheValuesOfLinesThatDoNotFit) {
  RecordQueue queue(200'000);
  const Logs logs{{std::string(10'000, 'x'), 1.0}, {"y", 2.0}};
  int64_t kept = 0;
  for (int i = 0; i < 100; ++i) kept += queue.push(i, 0, 0, false, logs) ? 1 : 0;
  EXPECT_GT(kept, 0);
  EXPECT_EQ(queue.dropped(), 2 * (100 - kept));
  EXPECT_EQ(static_cast<int64_t>(all_in(queue).size()), kept);
  EXPECT_TRUE(queue.push(0, 0, 0, false, logs));  // there is room again
}

TEST(RecordQueue, TakesALineLargerThanAChunk) {
  RecordQueue queue(1 << 20);
  const Logs logs{{std::string(200'000, 'x'), 1.0}};
  ASSERT_TRUE(queue.push(1, 0, 0, false, logs));
  ASSERT_TRUE(queue.push(2, 0, 0, false, {{"y", 2.0}}));
  const std::vector<LogRecord> records = all_in(queue);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].logs, logs);
  EXPECT_EQ(records[1].step, 2);
}

TEST(RecordQueue, KeepsTheOrderBetweenTwoThreads) {
  constexpr int64_t kLines = 100'000;
  RecordQueue queue(std::size_t{1} << 30);
  std::thread logging([&] {
    for (int64_t i = 0; i < kLines; ++i) queue.push(i, 0, 0, false, {{"value", static_cast<double>(i)}});
  });
  int64_t next = 0;
  while (next < kLines) {
    queue.pop([&](const LogRecord& record) {
      ASSERT_EQ(record.step, next);
      ASSERT_EQ(record.logs.at("value"), static_cast<double>(next));
      ++next;
    });
  }
  logging.join();
  EXPECT_EQ(queue.dropped(), 0);
}

TEST(RecordQueue, FreesTheTasksThatNobodyTook) {
  const auto held = std::make_shared<int>(1);
  {
    RecordQueue queue(1 << 20);
    queue.push([held] {});
  }
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace downbeat
