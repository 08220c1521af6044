#include "integrations/codecarbon/settings.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <stdexcept>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "callbacks/vocabulary/message.h"
#include "integrations/codecarbon/config_file.h"
#include "integrations/support/environment.h"
#include "integrations/support/small_file.h"

namespace downbeat {
namespace {

using Values = std::map<std::string, std::string>;

constexpr char kFileName[] = ".codecarbon.config";
constexpr char kPrefix[] = "codecarbon_";
constexpr double kShortestInterval = 0.01;  // below it measuring would be a load of its own

Values of_environment() {
  Values values;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(*variable, absl::MaxSplits('=', 1));
    const std::string name = absl::AsciiStrToLower(parts.first);
    if (absl::StartsWith(name, kPrefix)) values[name.substr(sizeof(kPrefix) - 1)] = parts.second;
  }
  return values;
}

Values of_file(const std::string& path) {
  const auto text = read_small_file(path);
  return text ? config_section(*text, path) : Values();
}

[[noreturn]] void refuse(absl::string_view name, absl::string_view value, absl::string_view allowed) {
  throw std::invalid_argument(absl::StrCat("CodeCarbon: ", name, "=", value, " makes no sense: it is ", allowed));
}

// Looks names up, and remembers which, so that at the end those can be named that nobody asked for.
class Configuration {
 public:
  Configuration() : values_(codecarbon_configuration()) {}

  std::optional<std::string> text(const std::string& name, const std::optional<std::string>& option) {
    const auto found = values_.find(name);
    asked_.insert(name);
    if (option) return option;
    if (found == values_.end() || found->second.empty()) return std::nullopt;
    return found->second;
  }

  std::optional<double> number(const std::string& name, const std::optional<double>& option, double least,
                               absl::string_view allowed) {
    std::optional<double> value = option;
    const auto words = text(name, option ? std::optional(absl::StrCat(*option)) : std::nullopt);
    if (!option && words) {
      value.emplace();
      if (!absl::SimpleAtod(*words, &*value)) refuse(name, *words, allowed);
    }
    if (value && !(std::isfinite(*value) && *value >= least)) refuse(name, *words, allowed);
    return value;
  }

  bool flag(const std::string& name, const std::optional<bool>& option, bool otherwise) {
    const auto words = text(name, std::nullopt);
    if (option) return *option;
    if (!words) return otherwise;
    const std::string lower = absl::AsciiStrToLower(*words);
    if (lower != "true" && lower != "false") refuse(name, *words, "true or false");
    return lower == "true";
  }

  std::string one_of(const std::string& name, const std::optional<std::string>& option,
                     const std::vector<std::string>& allowed) {
    const std::string value = text(name, option).value_or(allowed.front());
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
      refuse(name, value, absl::StrJoin(allowed, " or "));
    }
    return value;
  }

  std::vector<std::string> of_these_unasked(const std::vector<std::string>& names) const {
    std::vector<std::string> unasked;
    std::copy_if(names.begin(), names.end(), std::back_inserter(unasked),
                 [&](const std::string& name) { return values_.count(name) != 0 && asked_.count(name) == 0; });
    return unasked;
  }

 private:
  Values values_;
  std::set<std::string> asked_;
};

// What a program here cannot do or does not need. Of the values, which may be secrets, nothing is ever said.
const std::vector<std::string>& known_without_effect() {
  static const auto& names = *new std::vector<std::string>{"allow_multiple_runs",
                                                           "api_call_interval",
                                                           "api_endpoint",
                                                           "api_key",
                                                           "co2_signal_api_token",
                                                           "country_2letter_iso_code",
                                                           "electricitymaps_api_token",
                                                           "emissions_endpoint",
                                                           "experiment_name",
                                                           "logger_preamble",
                                                           "logging_logger",
                                                           "metadata",
                                                           "output_handlers",
                                                           "prometheus_url",
                                                           "rapl_include_dram",
                                                           "save_to_api",
                                                           "save_to_logfire",
                                                           "save_to_logger",
                                                           "save_to_prometheus"};
  return names;
}

// output_methods is codecarbon's newer spelling of save_to_file and wins over it.
bool saves_to_file(Configuration& configuration, const CodeCarbonOptions& options) {
  const bool flag = configuration.flag("save_to_file", options.save_to_file, true);
  const auto methods = configuration.text("output_methods", std::nullopt);
  if (options.save_to_file || !methods) return flag;
  static constexpr std::array<absl::string_view, 6> kMethods = {"api",     "boamps", "csv",
                                                                "logfire", "logger", "prometheus"};
  bool csv = false;
  for (absl::string_view method : absl::StrSplit(*methods, ',')) {
    method = absl::StripAsciiWhitespace(method);
    if (method.empty()) continue;
    if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end()) {
      refuse("output_methods", *methods, absl::StrCat("a list of ", absl::StrJoin(kMethods, ", ")));
    }
    csv |= method == "csv";
  }
  return csv;
}

std::string country(Configuration& configuration, const CodeCarbonOptions& options) {
  const std::string code = configuration.text("country_iso_code", options.country_iso_code).value_or("");
  const bool is_code = code.size() == 3 && std::all_of(code.begin(), code.end(), [](char c) {
                         return absl::ascii_isalpha(static_cast<unsigned char>(c));
                       });
  if (!code.empty() && !is_code) refuse("country_iso_code", code, "a code of three letters, FRA for example");
  return absl::AsciiStrToUpper(code);
}

LogLevel level(Configuration& configuration, const CodeCarbonOptions& options) {
  const auto name = configuration.text("log_level", options.log_level);
  if (!name) return LogLevel::info;
  static const auto& levels = *new std::map<std::string, LogLevel>{
      {"debug", LogLevel::debug}, {"info", LogLevel::info},         {"warning", LogLevel::warning},
      {"error", LogLevel::error}, {"critical", LogLevel::critical}, {"10", LogLevel::debug},
      {"20", LogLevel::info},     {"30", LogLevel::warning},        {"40", LogLevel::error},
      {"50", LogLevel::critical}};
  const auto found = levels.find(absl::AsciiStrToLower(*name));
  if (found == levels.end()) refuse("log_level", *name, "debug, info, warning, error or critical");
  return found->second;
}

// As the Python client: everything but letters, digits, - and , is dropped.
std::optional<std::vector<std::string>> gpus(Configuration& configuration, const CodeCarbonOptions& options) {
  auto words = configuration.text("gpu_ids", options.gpu_ids);
  if (!words) words = environment_variable("CUDA_VISIBLE_DEVICES");
  if (!words) return std::nullopt;
  std::erase_if(*words,
                [](char c) { return !absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != ','; });
  return absl::StrSplit(*words, ',', absl::SkipEmpty());
}

}  // namespace

void Settings::tell(LogLevel level_of_text, absl::string_view text) const {
  if (level_of_text < log_level) return;
  const std::string line = absl::StrCat("CodeCarbon: ", text);
  level_of_text == LogLevel::warning ? warn(line) : info(line);
}

Values codecarbon_configuration() {
  Values values = of_environment();
  values.merge(of_file(kFileName));
  values.merge(of_file(with_home(absl::StrCat("~/", kFileName))));
  return values;
}

Settings settings_of(const CodeCarbonOptions& options, const std::string& output_dir) {
  Configuration configuration;
  Settings settings;
  settings.output_dir = with_home(configuration.text("output_dir", options.output_dir).value_or(output_dir));
  settings.output_file = configuration.text("output_file", options.output_file).value_or("emissions.csv");
  settings.save_to_file = saves_to_file(configuration, options);
  settings.update = configuration.one_of("on_csv_write", options.on_csv_write, {"append", "update"}) == "update";
  settings.project_name = configuration.text("project_name", options.project_name).value_or("codecarbon");
  settings.experiment_id =
      configuration.text("experiment_id", options.experiment_id).value_or("5b0fa12a-3dd7-45bb-9766-cc326314d9f1");
  settings.measure_power_secs = configuration
                                    .number("measure_power_secs", options.measure_power_secs, kShortestInterval,
                                            "a number of seconds, 0.01 at least")
                                    .value_or(15);
  settings.process_only =
      configuration.one_of("tracking_mode", options.tracking_mode, {"machine", "process"}) == "process";
  settings.country_iso_code = country(configuration, options);
  settings.region = absl::AsciiStrToLower(configuration.text("region", options.region).value_or(""));
  settings.cloud_provider = configuration.text("cloud_provider", options.cloud_provider).value_or("");
  settings.cloud_region = configuration.text("cloud_region", options.cloud_region).value_or("");
  if (settings.cloud_provider.empty() != settings.cloud_region.empty()) {
    refuse("cloud_provider", settings.cloud_provider,
           absl::StrCat("set together with cloud_region, which is ",
                        settings.cloud_region.empty() ? "not set" : settings.cloud_region));
  }
  const absl::string_view watts = "a number of watts, 0 at least";
  settings.force_carbon_intensity_g_co2e_kwh =
      configuration.number("force_carbon_intensity_g_co2e_kwh", options.force_carbon_intensity_g_co2e_kwh, 0,
                           "a number of grams, 0 at least");
  settings.force_cpu_power = configuration.number("force_cpu_power", options.force_cpu_power, 0, watts);
  settings.force_ram_power = configuration.number("force_ram_power", options.force_ram_power, 0, watts);
  settings.force_mode_cpu_load = configuration.flag("force_mode_cpu_load", options.force_mode_cpu_load, false);
  settings.rapl_prefer_psys = configuration.flag("rapl_prefer_psys", options.rapl_prefer_psys, false);
  settings.gpu_ids = gpus(configuration, options);
  settings.pue =
      configuration
          .number("pue", options.pue, 1, "what the data centre uses for each kWh of its machines, so 1 at least")
          .value_or(1);
  settings.wue = configuration.number("wue", options.wue, 0, "a number of litres for each kWh, 0 at least").value_or(0);
  settings.log_level = level(configuration, options);
  settings.powercap_directory = options.powercap_directory;
  settings.nvml_library = options.nvml_library;
  settings.without_effect = configuration.of_these_unasked(known_without_effect());
  return settings;
}

}  // namespace downbeat
