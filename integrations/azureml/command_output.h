// What another program writes to its standard output.
//
//   if (const auto az = program_on_path("az")) output_of({*az, "version"}, absl::Seconds(20));
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string>
#include <vector>

namespace downbeat {

// Nothing where it cannot be started, fails, writes more than 1 MiB or takes longer: then it is killed. It reads
// nothing, and what it says on standard error is dropped.
std::optional<std::string> output_of(std::vector<std::string> command, absl::Duration at_most);

}  // namespace downbeat
