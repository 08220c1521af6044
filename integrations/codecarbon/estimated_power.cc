#include "integrations/codecarbon/estimated_power.h"

#include <utility>

#include "integrations/codecarbon/power_model.h"

namespace downbeat {

void EstimatedPower::start(double now) {
  watts_(0);
  sampled_ = measured_ = now;
  watt_seconds_ = 0;
}

double EstimatedPower::take_sample(double now) {
  const double seconds = now - sampled_;
  const double watts = watts_(seconds);
  watt_seconds_ += watts * seconds;
  sampled_ = now;
  return watts;
}

void EstimatedPower::sample(double now) { take_sample(now); }

Consumption EstimatedPower::measure(double now) {
  const double last = take_sample(now);
  const double seconds = now - measured_;
  const double watts = seconds > 0 ? watt_seconds_ / seconds : last;
  watt_seconds_ = 0;
  measured_ = now;
  return {.watts = watts, .kilowatt_hours = kilowatt_hours(watts, seconds)};
}

std::unique_ptr<EnergySource> cpu_by_load(const std::string& model, double design_watts,
                                          std::function<std::optional<CpuTimes>()> times) {
  return std::make_unique<EstimatedPower>([=, before = std::optional<CpuTimes>()](double) mutable {
    const std::optional<CpuTimes> now = times();
    const std::optional<CpuTimes> last = std::exchange(before, now);
    if (!now) return design_watts * 0.5;
    return cpu_watts(model, design_watts, last ? load_between(*last, *now) : 0);
  });
}

std::unique_ptr<EnergySource> cpu_by_process(double design_watts, int64_t threads, std::function<ProcessUse()> use) {
  return std::make_unique<EstimatedPower>([=, before = ProcessUse()](double seconds) mutable {
    const ProcessUse now = use();
    const ProcessUse last = std::exchange(before, now);
    return process_cpu_watts(design_watts, cpu_seconds_between(last, now), seconds, threads);
  });
}

std::unique_ptr<EnergySource> memory_by_size(std::function<double()> gibibytes, bool is_arm) {
  return std::make_unique<EstimatedPower>([=](double) { return memory_watts(gibibytes(), is_arm); });
}

std::unique_ptr<EnergySource> constant_power(double watts) {
  return std::make_unique<EstimatedPower>([=](double) { return watts; });
}

}  // namespace downbeat
