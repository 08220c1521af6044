// keep_freed_memory(): in a process of its own, as it holds for the whole process.
#include "trainer/memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace downbeat {
namespace {

int64_t page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

// What a step does: several blocks are there at a time, and all are freed at its end.
void use_and_free() {
  constexpr std::size_t kBlock = 5 << 20;
  std::vector<std::unique_ptr<char[]>> blocks;
  for (int i = 0; i < 8; ++i) {
    blocks.emplace_back(new char[kBlock]);
    std::memset(blocks.back().get(), i + 1, kBlock);
    ASSERT_EQ(blocks.back()[kBlock - 1], i + 1);
  }
}

int64_t page_faults_of_ten_steps() {
  const int64_t before = page_faults();
  for (int i = 0; i < 10; ++i) use_and_free();
  return page_faults() - before;
}

TEST(KeepFreedMemory, IsTakenAgainWithoutPageFaults) {
  use_and_free();
  const int64_t given_back = page_faults_of_ten_steps();
  keep_freed_memory();
  use_and_free();
  const int64_t kept = page_faults_of_ten_steps();
  EXPECT_LT(kept, 100) << "before it there were " << given_back;
}

}  // namespace
}  // namespace downbeat
