// The text of codecarbon's tables; README.md says what each holds and whose it is.
#pragma once

#include <string_view>

namespace downbeat::codecarbon_data {

extern const std::string_view canada_energy_mix;
extern const std::string_view carbon_intensity_per_source;
extern const std::string_view china_provincial_emissions;
extern const std::string_view cpu_power;
extern const std::string_view global_energy_mix;
extern const std::string_view impact;
extern const std::string_view nordic_emissions;
extern const std::string_view usa_emissions;

}  // namespace downbeat::codecarbon_data
