// A .codecarbon.config: the section [codecarbon] of an INI file, as Python's configparser reads it.
//
//   [codecarbon]
//   country_iso_code = FRA
//   measure_power_secs: 5
//
// Names in lower case; a comment is a line that begins with # or ;. Values are taken as they stand: % has no meaning.
#pragma once

#include <absl/strings/string_view.h>

#include <map>
#include <string>

namespace downbeat {

// `path` is for the sentence of the std::invalid_argument that a line without = or : throws.
std::map<std::string, std::string> config_section(absl::string_view text, const std::string& path);

}  // namespace downbeat
