// The energy, power and load of the machine's processor, memory and GPUs during a run.
//
//   EnergyMeter meter(settings);       // finds out what there is to measure, and how
//   meter.start(now);                  // seconds of a clock that never goes back
//   meter.sample(now);                 // every second
//   meter.measure(now);                // every measure_power_secs, and at the end
//
// For one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "integrations/codecarbon/energy_source.h"
#include "integrations/codecarbon/nvidia.h"
#include "integrations/codecarbon/settings.h"
#include "integrations/codecarbon/system.h"

namespace downbeat {

class Mean {
 public:
  void add(double value) {
    sum_ += value;
    ++count_;
  }
  double value() const { return count_ > 0 ? sum_ / static_cast<double>(count_) : 0; }

 private:
  double sum_ = 0;
  int64_t count_ = 0;
};

struct Figures {
  Mean cpu_watts, gpu_watts, ram_watts;  // of the measurements
  double cpu_kilowatt_hours = 0, gpu_kilowatt_hours = 0, ram_kilowatt_hours = 0;
  Mean cpu_percent, gpu_percent, ram_percent, ram_used;  // of the samples; GiB
};

struct MachineDescription {
  std::string cpu_model = {};
  int64_t cpu_count = 0;  // threads
  std::string gpu_model = {};
  std::size_t gpu_count = 0;
  double ram_total = 0;  // GiB
};

class EnergyMeter {
 public:
  explicit EnergyMeter(const Settings& settings);

  void start(double now);  // and takes a first measurement, as the Python client
  void sample(double now);
  void measure(double now);

  double measured() const { return measured_; }  // when
  const Figures& figures() const { return figures_; }
  const MachineDescription& machine() const { return machine_; }
  const std::string& method() const { return method_; }  // how the processor is measured, for a person

 private:
  std::unique_ptr<EnergySource> cpu_source(const Settings& settings);
  void add(const Consumption& used, Mean& watts, double& kilowatt_hours) const;

  double pue_;
  MachineDescription machine_;
  std::string method_ = {};
  std::unique_ptr<EnergySource> cpu_;
  std::unique_ptr<EnergySource> ram_;
  std::unique_ptr<NvidiaGpus> gpus_;
  Figures figures_;
  std::optional<CpuTimes> times_ = {};
  double measured_ = 0;
};

}  // namespace downbeat
