#include "integrations/codecarbon/power_model.h"

#include <absl/strings/match.h>

#include <algorithm>
#include <cmath>

namespace downbeat {
namespace {

constexpr double kShortestForPower = 0.01;  // seconds

double threadripper_share(double load) {
  if (load < 0.1) return 0.05 * load * 10;
  if (load <= 0.3) return 0.05 + 1.8 * (load - 0.1);
  if (load <= 0.5) return 0.45 + 0.50 * std::pow((load - 0.3) / 0.2, 1.8);
  return 0.85 + 0.15 * (1 - std::exp(-(load - 0.5) * 5));
}

}  // namespace

double kilowatt_hours(double watts, double seconds) { return watts / 1000 * (seconds / 3600); }

double watts_of(double kilowatt_hours, double seconds) {
  return seconds > 0 ? kilowatt_hours / (seconds / 3600) * 1000 : 0;
}

Consumption counted_consumption(double joules, double seconds) {
  const double energy = joules * kKilowattHoursPerJoule;
  return {.watts = seconds >= kShortestForPower ? watts_of(energy, seconds) : 0, .kilowatt_hours = energy};
}

double cpu_watts(const std::string& model, double design_watts, double load) {
  if (absl::StrContains(model, "AMD Ryzen Threadripper")) return design_watts * threadripper_share(load);
  return design_watts * (0.1 + 0.9 * load * load * load);
}

double process_cpu_watts(double design_watts, double cpu_seconds, double seconds, int64_t threads) {
  return seconds > 0 ? design_watts * cpu_seconds / (seconds * static_cast<double>(threads)) : 0;
}

int64_t memory_modules(double gibibytes) {
  if (gibibytes <= 2) return 1;
  if (gibibytes <= 16) return 2;
  if (gibibytes <= 64) return 4;
  if (gibibytes <= 128) return 8;
  double size = 128;  // modules of the largest size of which at least 8 are there, at most 32 of them
  while (size > gibibytes / 8) size /= 2;
  return std::min<int64_t>(static_cast<int64_t>(std::ceil(gibibytes / size)), 32);
}

double memory_watts(double gibibytes, bool is_arm) {
  const double each = is_arm ? 1.5 : 5;
  const double least = is_arm ? 3 : 10;
  const auto modules = static_cast<double>(memory_modules(gibibytes));
  const double watts = each * std::min(modules, 4.) + each * 0.9 * std::clamp(modules - 4, 0., 4.) +
                       each * 0.8 * std::clamp(modules - 8, 0., 8.) + each * 0.7 * std::max(modules - 16, 0.);
  return std::max(least, watts);
}

}  // namespace downbeat
