#include "integrations/codecarbon/location.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "integrations/codecarbon/csv.h"
#include "integrations/codecarbon/data/tables.h"

namespace downbeat {
namespace {

using nlohmann::json;

constexpr double kGramsPerPound = 453.59237;

// g/kWh of Canada's provinces: from the shares of these three in the mix.
constexpr std::array<std::pair<const char*, double>, 3> kGramsOfSource = {
    {{"coal", 995.725971}, {"petroleum", 816.6885263}, {"naturalGas", 743.8415916}}};

double world_average() { return json::parse(codecarbon_data::carbon_intensity_per_source).at("world_average"); }

const json& countries() {
  static const json& table = *new json(json::parse(codecarbon_data::global_energy_mix));
  return table;
}

struct CloudRegion {
  std::string country_name, country_iso_code, state;
  double grams = 0;
};

std::optional<CloudRegion> find_cloud(const std::string& provider, const std::string& region) {
  const std::string_view text = codecarbon_data::impact;
  std::vector<absl::string_view> records = csv_records(absl::StripPrefix({text.data(), text.size()}, "\xEF\xBB\xBF"));
  const std::vector<std::string> columns = csv_fields(records.front());
  for (std::size_t i = 1; i < records.size(); ++i) {
    std::vector<std::string> fields = csv_fields(records[i]);
    fields.resize(columns.size());
    const auto field = [&](const char* name) {
      return fields[static_cast<std::size_t>(std::find(columns.begin(), columns.end(), name) - columns.begin())];
    };
    CloudRegion found{field("country_name"), field("countryIsoCode"), field("state")};
    if (field("provider") != provider || field("region") != region) continue;
    if (absl::SimpleAtod(field("impact"), &found.grams)) return found;
  }
  return std::nullopt;
}

std::optional<double> of_state(const std::string& region) {
  const json states = json::parse(codecarbon_data::usa_emissions);
  const auto state = states.find(region);
  if (state == states.end() || !state->contains("regionCode") || !(*state)["emissions"].is_number())
    return std::nullopt;
  return (*state)["emissions"].get<double>() * kGramsPerPound / 1000;
}

std::optional<double> of_province_of_canada(const std::string& region) {
  const json provinces = json::parse(codecarbon_data::canada_energy_mix);
  const auto mix = provinces.find(region);
  if (mix == provinces.end() || !mix->is_object()) return std::nullopt;
  double grams = 0;
  for (const auto& [source, of_source] : kGramsOfSource) {
    grams += mix->at(source).get<double>() / mix->at("total").get<double>() * of_source;
  }
  return grams;
}

std::optional<double> of_province_of_china(const std::string& region) {
  std::string name = absl::StrJoin(absl::StrSplit(region, ' ', absl::SkipEmpty()), " ");
  for (const char* kind : {" autonomous region", " municipality", " province", " sheng", " shi", " zizhiqu"}) {
    if (const absl::string_view bare = absl::StripSuffix(name, kind); bare.size() < name.size()) {
      name = std::string(bare);
      break;
    }
  }
  const json provinces = json::parse(codecarbon_data::china_provincial_emissions).at("data");
  for (const json& province : provinces) {
    const json& names = province.at("names");
    if (std::find(names.begin(), names.end(), name) != names.end()) return province.at("emission_factor").get<double>();
  }
  return std::nullopt;
}

std::optional<double> of_nordic_zone(const std::string& country, const std::string& region) {
  const std::string zone = absl::AsciiStrToUpper(region);
  const char* of_country = country == "SWE" ? "SE" : country == "NOR" ? "NO" : "FI";
  const json zones = json::parse(codecarbon_data::nordic_emissions).at("data");
  const auto found = zones.find(zone);
  if (found == zones.end() || zone.substr(0, 2) != of_country) return std::nullopt;
  return found->at("emission_factor").get<double>();
}

std::optional<double> of_region(const std::string& country, const std::string& region) {
  if (country == "USA") return of_state(region);
  if (country == "CAN") return of_province_of_canada(region);
  if (country == "CHN") return of_province_of_china(region);
  if (country == "SWE" || country == "NOR" || country == "FIN") return of_nordic_zone(country, region);
  return std::nullopt;
}

bool has_regions(const std::string& country) {
  return country == "USA" || country == "CAN" || country == "CHN" || country == "SWE" || country == "NOR" ||
         country == "FIN";
}

void take_country(Location& location) {
  const std::string& country = location.country_iso_code;
  const auto found = countries().find(country);
  if (found != countries().end()) location.country_name = found->at("country_name");
  if (!location.region.empty()) {
    if (const auto grams = of_region(country, location.region)) {
      location.grams_per_kilowatt_hour = *grams;
      return;
    }
    if (has_regions(country)) {
      location.notice = absl::StrCat("no carbon intensity is known for the region ", location.region, " of ", country,
                                     "; the country's is taken");
    }
  }
  if (found != countries().end()) {
    location.grams_per_kilowatt_hour = found->at("carbon_intensity");
    return;
  }
  location.grams_per_kilowatt_hour = world_average();
  location.notice =
      country.empty()
          ? absl::StrCat("no country is set, so the carbon intensity of the electricity is the world's average, ",
                         world_average(), " g CO2e/kWh; set CODECARBON_COUNTRY_ISO_CODE, to FRA for example")
          : absl::StrCat("no carbon intensity is known for the country ", country, "; the world's average is taken, ",
                         world_average(), " g CO2e/kWh");
}

void take_cloud(Location& location) {
  const auto found = find_cloud(location.cloud_provider, location.cloud_region);
  if (!found) {
    const std::string why = absl::StrCat("no carbon intensity is known for the region ", location.cloud_region,
                                         " of the cloud ", location.cloud_provider, " (only gcp publishes them)");
    take_country(location);
    location.notice = absl::StrCat(why, location.notice.empty() ? "; the country's is taken" : "; ", location.notice);
    return;
  }
  location.country_name = found->country_name;
  location.country_iso_code = found->country_iso_code;
  location.region = found->state;
  location.grams_per_kilowatt_hour = found->grams;
}

}  // namespace

Location location_of(const Settings& settings) {
  Location location{.country_name = "",
                    .country_iso_code = settings.country_iso_code,
                    .region = settings.region,
                    .cloud_provider = settings.cloud_provider,
                    .cloud_region = settings.cloud_region,
                    .notice = ""};
  location.cloud_provider.empty() ? take_country(location) : take_cloud(location);
  if (settings.force_carbon_intensity_g_co2e_kwh) {
    location.grams_per_kilowatt_hour = *settings.force_carbon_intensity_g_co2e_kwh;
    location.notice.clear();
  }
  return location;
}

std::vector<std::string> known_countries() {
  std::vector<std::string> codes;
  for (const auto& [code, country] : countries().items()) codes.push_back(code);
  return codes;
}

}  // namespace downbeat
