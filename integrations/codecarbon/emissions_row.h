// One line of emissions.csv, in the columns of codecarbon 3.3.2.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "integrations/codecarbon/energy_meter.h"
#include "integrations/codecarbon/location.h"
#include "integrations/codecarbon/settings.h"

namespace downbeat {

constexpr char kCodeCarbonVersion[] = "3.3.2+downbeat.0.1.0";  // whose formulas and tables, and who applied them

using Columns = std::vector<std::pair<std::string, std::string>>;  // name and value

struct EmissionsRow {
  std::string timestamp;  // local time, 2026-11-25T23:59:59
  std::string run_id;
  double duration = 0;  // s
  Settings settings;
  Location location;
  MachineDescription machine;
  Figures figures;

  double energy_consumed() const;  // kWh
  double emissions() const;        // kg CO2e
  Columns columns() const;
};

}  // namespace downbeat
