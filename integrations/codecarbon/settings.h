// CodeCarbonOptions after the environment and the files of configuration were asked for what they leave open.
#pragma once

#include <absl/strings/string_view.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "callbacks/vocabulary/argument_types.h"
#include "integrations/codecarbon/options.h"

namespace downbeat {

struct Settings {
  std::string output_dir = {};
  std::string output_file = {};
  bool save_to_file = true;
  bool update = false;  // on_csv_write
  std::string project_name = {};
  std::string experiment_id = {};
  double measure_power_secs = 15;
  bool process_only = false;          // tracking_mode
  std::string country_iso_code = {};  // upper case, or empty
  std::string region = {};            // lower case, or empty
  std::string cloud_provider = {};
  std::string cloud_region = {};
  std::optional<double> force_carbon_intensity_g_co2e_kwh = {};
  std::optional<double> force_cpu_power = {};
  std::optional<double> force_ram_power = {};
  bool force_mode_cpu_load = false;
  bool rapl_prefer_psys = false;
  std::optional<std::vector<std::string>> gpu_ids = {};
  double pue = 1;
  double wue = 0;
  LogLevel log_level = LogLevel::info;
  std::string powercap_directory = {};
  std::string nvml_library = {};
  std::vector<std::string> without_effect = {};  // names that the Python client knows and this one has no use for

  // Passes on to the person what log_level lets through.
  void tell(LogLevel level, absl::string_view text) const;
};

// The environment's and the two files' values by name in lower case, the stronger over the weaker. Throws
// std::invalid_argument for a file that is no INI file.
std::map<std::string, std::string> codecarbon_configuration();

// Throws std::invalid_argument for a value that makes no sense: one sentence that names it and what is allowed.
Settings settings_of(const CodeCarbonOptions& options, const std::string& output_dir);

}  // namespace downbeat
