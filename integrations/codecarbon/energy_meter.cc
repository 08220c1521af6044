#include "integrations/codecarbon/energy_meter.h"

#include <unistd.h>

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "integrations/codecarbon/cpu_table.h"
#include "integrations/codecarbon/estimated_power.h"
#include "integrations/codecarbon/power_model.h"
#include "integrations/codecarbon/rapl.h"

namespace downbeat {
namespace {

ProcessUse own_use() { return use_of_process_and_children(getpid()); }

// psutil's percentages, which the Python client takes, have one decimal.
double rounded_percent(double share) { return std::round(share * 1000) / 10; }

double design_watts_of_machine(const MachineDescription& machine) {
  if (machine.cpu_model.empty()) return kDefaultCpuWatts;
  const std::optional<double> of_one = cpu_design_power(machine.cpu_model);
  return of_one ? *of_one * static_cast<double>(sockets()) : kWattsPerThread * static_cast<double>(machine.cpu_count);
}

}  // namespace

EnergyMeter::EnergyMeter(const Settings& settings) : pue_(settings.pue) {
  machine_ = {.cpu_model = cpu_model(), .cpu_count = threads(), .gpu_model = "", .ram_total = memory().total};
  cpu_ = cpu_source(settings);

  if (settings.force_ram_power) {
    ram_ = constant_power(*settings.force_ram_power);
  } else if (settings.process_only) {
    ram_ = memory_by_size([] { return own_use().memory; }, is_arm());
  } else {
    ram_ = memory_by_size([size = machine_.ram_total] { return size; }, is_arm());
  }

  std::vector<std::string> unknown;
  gpus_ = NvidiaGpus::open(settings.nvml_library, settings.gpu_ids, &unknown);
  if (gpus_ == nullptr) return;
  machine_.gpu_model = gpus_->model();
  machine_.gpu_count = gpus_->count();
  if (!unknown.empty()) {
    settings.tell(LogLevel::warning, absl::StrCat("this machine has no GPU ", absl::StrJoin(unknown, ", "), " of its ",
                                                  machine_.gpu_count, "; it is not measured"));
  }
}

std::unique_ptr<EnergySource> EnergyMeter::cpu_source(const Settings& settings) {
  std::string refused;
  if (!settings.force_mode_cpu_load && !settings.force_cpu_power) {
    if (auto rapl = Rapl::open(settings.powercap_directory, settings.rapl_prefer_psys, &refused)) {
      method_ = absl::StrCat("its counters (", absl::StrJoin(rapl->names(), ", "), ")");
      return rapl;
    }
  }
  const double watts = settings.force_cpu_power.value_or(design_watts_of_machine(machine_));
  method_ = absl::StrCat("its load and ", watts, " W at full load");
  if (!refused.empty()) absl::StrAppend(&method_, ", as ", refused, " may not be read by this user");
  if (settings.process_only) return cpu_by_process(watts, machine_.cpu_count, own_use);
  return cpu_by_load(machine_.cpu_model, watts, cpu_times);
}

void EnergyMeter::start(double now) {
  figures_ = {};
  times_ = cpu_times();
  cpu_->start(now);
  ram_->start(now);
  if (gpus_ != nullptr) gpus_->start(now);
  measure(now);
}

void EnergyMeter::sample(double now) {
  cpu_->sample(now);
  ram_->sample(now);

  const std::optional<CpuTimes> times = cpu_times();
  if (times && times_) figures_.cpu_percent.add(rounded_percent(load_between(*times_, *times)));
  times_ = times;

  const Memory state = memory();
  if (state.total > 0) figures_.ram_percent.add(rounded_percent(state.used / state.total));
  figures_.ram_used.add(state.used);

  if (gpus_ == nullptr) return;
  gpus_->sample(now);
  for (const double percent : gpus_->utilizations()) figures_.gpu_percent.add(percent);
}

void EnergyMeter::measure(double now) {
  add(ram_->measure(now), figures_.ram_watts, figures_.ram_kilowatt_hours);
  add(cpu_->measure(now), figures_.cpu_watts, figures_.cpu_kilowatt_hours);
  if (gpus_ != nullptr) add(gpus_->measure(now), figures_.gpu_watts, figures_.gpu_kilowatt_hours);
  measured_ = now;
}

void EnergyMeter::add(const Consumption& used, Mean& watts, double& kilowatt_hours) const {
  watts.add(used.watts * pue_);
  kilowatt_hours += used.kilowatt_hours * pue_;
}

}  // namespace downbeat
