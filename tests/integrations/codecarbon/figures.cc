// Answers what the integration's tables and formulas say, a JSON array a line, for a comparison with the Python client.
//
//   ["cpu", "AMD EPYC 7763"]  280.0        ["ram", 64, false]  20.0         ["dimms", 64]  4
//   ["load", "AMD", 280, 0.5]  59.5        ["process", 280, 3, 15, 8]  7.0
//   ["country", "FRA", "", "", ""]  [56.039, "France", "FRA", ""]            (country, region, cloud, its region)
//   ["countries"]  ["ABW", ...]            ["cpus"]  ["1075T", ...]
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "integrations/codecarbon/cpu_table.h"
#include "integrations/codecarbon/location.h"
#include "integrations/codecarbon/power_model.h"

namespace downbeat {
namespace {

using nlohmann::json;

json cpu(const json& name) {
  const auto watts = cpu_design_power(name);
  return watts ? json(*watts) : json(nullptr);
}

json country(const json& question) {
  const Location found = location_of({.country_iso_code = question[1],
                                      .region = question[2],
                                      .cloud_provider = question[3],
                                      .cloud_region = question[4]});
  return {found.grams_per_kilowatt_hour, found.country_name, found.country_iso_code, found.region};
}

json answer_to(const json& question) {
  const std::string about = question[0];
  if (about == "cpu") return cpu(question[1]);
  if (about == "cpus") return cpu_table_names();
  if (about == "ram") return memory_watts(question[1], question[2]);
  if (about == "dimms") return memory_modules(question[1]);
  if (about == "load") return cpu_watts(question[1], question[2], question[3]);
  if (about == "process") return process_cpu_watts(question[1], question[2], question[3], question[4]);
  if (about == "countries") return known_countries();
  return country(question);
}

}  // namespace
}  // namespace downbeat

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << downbeat::answer_to(nlohmann::json::parse(line)) << std::endl;
  }
}
