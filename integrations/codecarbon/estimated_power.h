// Energy of what has no counter: power by a formula, times the time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "integrations/codecarbon/energy_source.h"
#include "integrations/codecarbon/system.h"

namespace downbeat {

// Asks for the power with each sample and each measurement, which covers the time since the one before; a measurement's
// power is their mean over time.
class EstimatedPower : public EnergySource {
 public:
  // `watts` is told the seconds that it covers; with 0 it only has to take its first reading.
  explicit EstimatedPower(std::function<double(double seconds)> watts) : watts_(std::move(watts)) {}

  void start(double now) override;
  void sample(double now) override;
  Consumption measure(double now) override;

 private:
  double take_sample(double now);

  std::function<double(double)> watts_;
  double sampled_ = 0;
  double measured_ = 0;
  double watt_seconds_ = 0;  // of the samples since the last measurement
};

// `times` is cpu_times but in tests. Half of `design_watts` where it has nothing.
std::unique_ptr<EnergySource> cpu_by_load(const std::string& model, double design_watts,
                                          std::function<std::optional<CpuTimes>()> times);

// `use` is of this process and its children.
std::unique_ptr<EnergySource> cpu_by_process(double design_watts, int64_t threads, std::function<ProcessUse()> use);

std::unique_ptr<EnergySource> memory_by_size(std::function<double()> gibibytes, bool is_arm);
std::unique_ptr<EnergySource> constant_power(double watts);

}  // namespace downbeat
