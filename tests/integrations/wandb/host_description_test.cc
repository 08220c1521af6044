#include "integrations/wandb/host_description.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace downbeat {
namespace {

using ::testing::ElementsAre;

TEST(HostDescription, KnowsTheMachine) {
  const WandbMachine machine = machine_of_run();
  EXPECT_GT(machine.cpu_count, 0);
  EXPECT_GE(machine.cpu_count_logical, machine.cpu_count);
  EXPECT_GT(machine.memory, 1 << 20);
  EXPECT_FALSE(machine.os.empty() || machine.host.empty() || machine.program.empty());
}

TEST(ProcessStats, HaveTheNamesOfTheOfficialClient) {
  ProcessStats stats;
  stats.now();
  std::vector<std::string> names;
  for (const WandbItem& item : stats.now()) names.push_back(item.names[0]);
  EXPECT_THAT(names, ElementsAre("cpu", "memory_percent", "proc.memory.percent", "proc.memory.availableMB",
                                 "proc.memory.rssMB", "proc.cpu.threads"));
}

}  // namespace
}  // namespace downbeat
