// Where the electricity comes from, and how much CO2e a kWh of it stands for: from codecarbon's tables, never from a
// network.
#pragma once

#include <string>
#include <vector>

#include "integrations/codecarbon/settings.h"

namespace downbeat {

struct Location {
  std::string country_name = {};
  std::string country_iso_code = {};
  std::string region = {};
  std::string cloud_provider = {};  // empty where the settings name no cloud
  std::string cloud_region = {};
  double grams_per_kilowatt_hour = 0;
  std::string notice = {};  // for a person: why it is not the figure that was asked for; mostly empty
};

// The settings' intensity if they force one, else their cloud's, their region's (USA, Canada, China, the zones of
// Sweden, Norway and Finland), their country's, the world's average.
Location location_of(const Settings& settings);

std::vector<std::string> known_countries();  // ISO codes, for tests

}  // namespace downbeat
