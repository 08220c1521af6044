#include "integrations/codecarbon/rapl.h"

#include <absl/strings/match.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "integrations/codecarbon/power_model.h"
#include "integrations/support/small_file.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

constexpr double kMicrojoulesPerJoule = 1e6;
constexpr double kSame = 1e6;  // two readings of one counter, one after the other, differ by less than a joule ...
constexpr double kSameShare = 1e-6;  // ... or by this share

std::optional<double> number_in(const std::string& path) {
  const auto text = read_small_file(path);
  double value = 0;
  if (!text || !absl::SimpleAtod(*text, &value)) return std::nullopt;
  return value;
}

// Domains lie beside their control type (intel-rapl:0) or, in the tree of devices, inside it (intel-rapl/intel-rapl:0).
std::vector<std::string> domains_below(const std::string& directory) {
  std::set<std::string> domains;
  const auto entries = [](const fs::path& of) {
    std::vector<fs::path> paths;
    std::error_code error;
    auto entry = fs::directory_iterator(of, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) paths.push_back(entry->path());
    return paths;
  };
  const auto take = [&](const fs::path& path) {
    std::error_code error;
    const bool is_domain = absl::StrContains(path.filename().string(), ":") && fs::exists(path / "energy_uj", error);
    if (is_domain) domains.insert(fs::canonical(path, error).string());
  };
  for (const fs::path& path : entries(directory)) {
    if (!absl::StartsWith(path.filename().string(), "intel-rapl")) continue;
    take(path);
    for (const fs::path& inner : entries(path)) take(inner);
  }
  return {domains.begin(), domains.end()};
}

std::string name_of(const std::string& domain) {
  const std::string name(absl::StripAsciiWhitespace(read_small_file(domain + "/name").value_or("")));
  return absl::AsciiStrToLower(name.empty() ? fs::path(domain).filename().string() : name);
}

bool is_same(double a, double b) { return std::abs(a - b) <= std::max(kSame, kSameShare * std::max(a, b)); }

}  // namespace

std::optional<double> counted_between(double before, double after, double range) {
  if (after < before) after += range;
  if (after < before) return std::nullopt;
  return after - before;
}

std::unique_ptr<Rapl> Rapl::open(const std::string& directory, bool prefer_platform, std::string* refused) {
  std::map<std::string, Counter> packages;  // by name
  std::map<std::string, Counter> platforms;
  for (const std::string& domain : domains_below(directory)) {
    const std::string name = name_of(domain);
    if (!absl::StrContains(name, "package") && name != "psys") continue;
    const std::string energy = domain + "/energy_uj";
    if (!number_in(energy)) {
      if (refused != nullptr && refused->empty()) *refused = energy;
      continue;
    }
    auto& of_its_kind = name == "psys" ? platforms : packages;
    const bool is_memory_mapped = absl::StrContains(domain, "intel-rapl-mmio");
    if (of_its_kind.count(name) != 0 && !is_memory_mapped) continue;
    of_its_kind[name] = {
        .name = name, .directory = domain, .range = number_in(domain + "/max_energy_range_uj").value_or(0)};
  }
  const bool takes_platform = packages.empty() || (prefer_platform && !platforms.empty());
  std::vector<Counter> counters;
  for (auto& [name, counter] : takes_platform ? platforms : packages) counters.push_back(std::move(counter));
  if (counters.empty()) return nullptr;
  return std::unique_ptr<Rapl>(new Rapl(std::move(counters)));
}

void Rapl::start(double now) {
  for (Counter& counter : counters_) counter.last = number_in(counter.directory + "/energy_uj");
  measured_ = now;
  suspect_mirrors();
}

Consumption Rapl::measure(double now) {
  for (Counter& counter : counters_) {
    const std::optional<double> reading = number_in(counter.directory + "/energy_uj");
    counter.used = counter.last && reading ? counted_between(*counter.last, *reading, counter.range) : std::nullopt;
    counter.last = reading;
  }
  settle_mirrors();
  double joules = 0;
  for (const Counter& counter : counters_) {
    if (!counter.dropped && !counter.mirror_of) joules += counter.used.value_or(0) / kMicrojoulesPerJoule;
  }
  const double seconds = now - measured_;
  measured_ = now;
  return counted_consumption(joules, seconds);
}

void Rapl::suspect_mirrors() {
  for (std::size_t i = 0; i < counters_.size(); ++i) {
    counters_[i].mirror_of.reset();
    for (std::size_t j = 0; j < i && !counters_[i].mirror_of; ++j) {
      const bool both = counters_[i].last && counters_[j].last && *counters_[i].last > 0 && !counters_[j].mirror_of;
      if (both && is_same(*counters_[i].last, *counters_[j].last)) counters_[i].mirror_of = j;
    }
  }
}

// An interval in which something was used tells a mirror from a chance.
void Rapl::settle_mirrors() {
  for (Counter& counter : counters_) {
    if (!counter.mirror_of || !counter.used) continue;
    const std::optional<double>& of_other = counters_[*counter.mirror_of].used;
    if (!of_other || (*counter.used <= 0 && *of_other <= 0)) continue;
    counter.dropped = is_same(*counter.used, *of_other);
    counter.mirror_of.reset();
  }
}

std::vector<std::string> Rapl::names() const {
  std::vector<std::string> names;
  for (const Counter& counter : counters_) {
    if (!counter.dropped && !counter.mirror_of) names.push_back(counter.name);
  }
  return names;
}

}  // namespace downbeat
