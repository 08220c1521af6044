#include "integrations/support/proc_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace downbeat {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kProcessors[] = "processor\t: 0\nmodel name\t: A: B 7\ncore id\t: 0\n\nprocessor\t: 1\ncore id\t: 1\n";

TEST(ProcText, GivesTheValueOfEachProcessor) {
  EXPECT_THAT(proc_values(kProcessors, "core id"), ElementsAre("0", "1"));
  EXPECT_THAT(proc_values(kProcessors, "model name"), ElementsAre("A: B 7"));
  EXPECT_THAT(proc_values(kProcessors, "core"), IsEmpty());
}

TEST(ProcText, GivesTheNumberInFrontOfTheUnit) {
  EXPECT_EQ(proc_number("MemTotal:  4194304 kB\nMemFree:\t7 kB\n", "MemTotal"), 4194304);
  EXPECT_EQ(proc_number("Threads:\t17\n", "Threads"), 17);
  EXPECT_EQ(proc_number("MemTotal:  many kB\n", "MemTotal"), std::nullopt);
  EXPECT_EQ(proc_number("MemTotal:\n", "MemTotal"), std::nullopt);
  EXPECT_EQ(proc_number("", "MemTotal"), std::nullopt);
}

}  // namespace
}  // namespace downbeat
