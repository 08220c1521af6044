// What a program may set for CodeCarbonCallback. Names, units and standards are those of codecarbon 3.3.2.
//
//   CodeCarbonCallback({.measure_power_secs = 5, .country_iso_code = "FRA"})
//
// What is not set here is read from the environment (CODECARBON_COUNTRY_ISO_CODE, ...), then from the section
// [codecarbon] of ./.codecarbon.config, then of ~/.codecarbon.config.
#pragma once

#include <optional>
#include <string>

namespace downbeat {

struct CodeCarbonOptions {
  std::optional<std::string> output_dir = {};        // TrainingArguments::output_dir; made if it is not there
  std::optional<std::string> output_file = {};       // emissions.csv
  std::optional<bool> save_to_file = {};             // true
  std::optional<std::string> on_csv_write = {};      // append, or update: see codecarbon.h
  std::optional<std::string> project_name = {};      // codecarbon
  std::optional<std::string> experiment_id = {};     // 5b0fa12a-3dd7-45bb-9766-cc326314d9f1
  std::optional<double> measure_power_secs = {};     // 15
  std::optional<std::string> tracking_mode = {};     // machine, or process
  std::optional<std::string> country_iso_code = {};  // three letters; without one the world's average is taken
  std::optional<std::string> region = {};            // "california", "quebec", "se3", ...
  std::optional<std::string> cloud_provider = {};    // gcp; together with cloud_region
  std::optional<std::string> cloud_region = {};      // europe-west9
  std::optional<double> force_carbon_intensity_g_co2e_kwh = {};
  std::optional<double> force_cpu_power = {};    // W at full load, instead of the counters and the table
  std::optional<double> force_ram_power = {};    // W
  std::optional<bool> force_mode_cpu_load = {};  // false; true: the load and the table, even where there are counters
  std::optional<bool> rapl_prefer_psys = {};     // false; true: the counter of the whole platform
  std::optional<std::string> gpu_ids = {};       // "0,2" or beginnings of UUIDs; else CUDA_VISIBLE_DEVICES, else all
  std::optional<double> pue = {};                // 1: energy that the data centre uses for each kWh of the machine
  std::optional<double> wue = {};                // 0: litres of water for each kWh
  std::optional<std::string> log_level = {};  // info; debug, info, warning, error, critical: what this tracker may say
  std::string powercap_directory = "/sys/class/powercap";
  std::string nvml_library = "libnvidia-ml.so.1";  // opened when training begins; without it there is no GPU
};

}  // namespace downbeat
