// Puts a row into a file of comma-separated values that other processes, and the Python client, write to as well.
//
// The file's columns keep their order. A file of other columns is renamed (emissions.csv.bak, emissions.csv_0.bak, ...)
// and begun anew. Writers of this library take turns (flock), and a row is one append, so that none is lost or torn.
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "integrations/codecarbon/emissions_row.h"

namespace downbeat {

enum class EmissionsWrite {
  kAppend,
  kUpdate  // takes the place of the row with the same run_id, if there is one
};

// The path that a file of other columns was renamed to, mostly empty. A failure is one sentence without the path, and
// leaves the file as it was.
absl::StatusOr<std::string> write_emissions(const std::string& path, const Columns& row, EmissionsWrite how);

}  // namespace downbeat
