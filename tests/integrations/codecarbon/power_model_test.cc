#include "integrations/codecarbon/power_model.h"

#include <gtest/gtest.h>

#include "integrations/codecarbon/cpu_table.h"

namespace downbeat {
namespace {

TEST(PowerModel, EnergyIsPowerTimesTime) {
  EXPECT_DOUBLE_EQ(kilowatt_hours(100, 3600), 0.1);
  EXPECT_DOUBLE_EQ(watts_of(0.1, 3600), 100);
  EXPECT_EQ(watts_of(0.1, 0), 0);
}

TEST(PowerModel, AProcessorUsesATenthOfItsDesignPowerWhenIdleAndTheRestWithTheCubeOfItsLoad) {
  EXPECT_DOUBLE_EQ(cpu_watts("AMD EPYC", 100, 0), 10);
  EXPECT_DOUBLE_EQ(cpu_watts("AMD EPYC", 100, 0.5), 21.25);
  EXPECT_DOUBLE_EQ(cpu_watts("AMD EPYC", 100, 1), 100);
}

TEST(PowerModel, AThreadripperHasACurveOfItsOwn) {
  const char* const model = "AMD Ryzen Threadripper 3970X 32-Core Processor";
  EXPECT_DOUBLE_EQ(cpu_watts(model, 100, 0.05), 2.5);
  EXPECT_DOUBLE_EQ(cpu_watts(model, 100, 0.2), 23);
  EXPECT_DOUBLE_EQ(cpu_watts(model, 100, 0.5), 95);
}

TEST(PowerModel, AProcessHasItsShareOfAllThreads) {
  EXPECT_DOUBLE_EQ(process_cpu_watts(280, 3, 15, 8), 7);
  EXPECT_EQ(process_cpu_watts(280, 3, 0, 8), 0);
}

TEST(PowerModel, MemoryIsCountedInModules) {
  EXPECT_EQ(memory_modules(2), 1);
  EXPECT_EQ(memory_modules(16), 2);
  EXPECT_EQ(memory_modules(23.5), 4);
  EXPECT_EQ(memory_modules(128), 8);
  EXPECT_EQ(memory_modules(129), 9);
  EXPECT_EQ(memory_modules(256), 8);
  EXPECT_EQ(memory_modules(100000), 32);
}

TEST(PowerModel, MoreModulesUseLessEach) {
  EXPECT_DOUBLE_EQ(memory_watts(1, false), 10);  // the least
  EXPECT_DOUBLE_EQ(memory_watts(23.5, false), 20);
  EXPECT_DOUBLE_EQ(memory_watts(128, false), 38);
  EXPECT_DOUBLE_EQ(memory_watts(100000, false), 20 + 18 + 32 + 56);
  EXPECT_DOUBLE_EQ(memory_watts(1, true), 3);
  EXPECT_DOUBLE_EQ(memory_watts(64, true), 6);
}

TEST(CpuTable, KnowsAProcessorByItsNameOrByWordsThatOnlyItHas) {
  EXPECT_EQ(cpu_design_power("AMD EPYC 7763"), 280);
  EXPECT_EQ(cpu_design_power("amd epyc 7763"), 280);
  EXPECT_EQ(cpu_design_power("AMD EPYC 7763 64-Core Processor"), 280);
  EXPECT_EQ(cpu_design_power("Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz"), cpu_design_power("Intel Xeon E5-2690 v4"));
}

TEST(CpuTable, DoesNotGuess) {
  EXPECT_EQ(cpu_design_power("AMD EPYC"), std::nullopt);  // in the words of many
  EXPECT_EQ(cpu_design_power("Abacus 3"), std::nullopt);
  EXPECT_EQ(cpu_design_power(""), std::nullopt);
}

}  // namespace
}  // namespace downbeat
