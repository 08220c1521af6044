#include "integrations/codecarbon/emissions_row.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/python_json.h"
#include "integrations/support/machine.h"

namespace downbeat {
namespace {

// What is no number would make the column text for every reader.
std::string number(double value) { return python_float(std::isfinite(value) ? value : 0); }

}  // namespace

double EmissionsRow::energy_consumed() const {
  return figures.cpu_kilowatt_hours + figures.gpu_kilowatt_hours + figures.ram_kilowatt_hours;
}

// The intensity is one number for the whole run.
double EmissionsRow::emissions() const { return energy_consumed() * location.grams_per_kilowatt_hour / 1000; }

Columns EmissionsRow::columns() const {
  return {
      {"timestamp", timestamp},
      {"project_name", settings.project_name},
      {"run_id", run_id},
      {"experiment_id", settings.experiment_id},
      {"duration", number(duration)},
      {"emissions", number(emissions())},
      {"emissions_rate", number(emissions() / duration)},
      {"cpu_power", number(figures.cpu_watts.value())},
      {"gpu_power", number(figures.gpu_watts.value())},
      {"ram_power", number(figures.ram_watts.value())},
      {"cpu_energy", number(figures.cpu_kilowatt_hours)},
      {"gpu_energy", number(figures.gpu_kilowatt_hours)},
      {"ram_energy", number(figures.ram_kilowatt_hours)},
      {"energy_consumed", number(energy_consumed())},
      {"water_consumed", number(settings.wue * energy_consumed())},
      {"country_name", location.country_name},
      {"country_iso_code", location.country_iso_code},
      {"region", location.region},
      {"cloud_provider", location.cloud_provider},
      {"cloud_region", location.cloud_region},
      {"os", operating_system()},
      {"python_version", ""},
      {"codecarbon_version", kCodeCarbonVersion},
      {"cpu_count", absl::StrCat(machine.cpu_count)},
      {"cpu_model", machine.cpu_model.empty() ? "Unknown" : machine.cpu_model},
      {"gpu_count", absl::StrCat(machine.gpu_count)},
      {"gpu_model", machine.gpu_model},
      {"longitude", ""},
      {"latitude", ""},
      {"ram_total_size", number(machine.ram_total)},
      {"tracking_mode", settings.process_only ? "process" : "machine"},
      {"cpu_utilization_percent", number(figures.cpu_percent.value())},
      {"gpu_utilization_percent", number(figures.gpu_percent.value())},
      {"ram_utilization_percent", number(figures.ram_percent.value())},
      {"ram_used_gb", number(figures.ram_used.value())},
      {"on_cloud", location.cloud_provider.empty() ? "N" : "Y"},
      {"pue", number(settings.pue)},
      {"wue", number(settings.wue)},
  };
}

}  // namespace downbeat
