// The thermal design power of a processor, from codecarbon's table of about 4,900.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace downbeat {

// In W; `model` as /proc/cpuinfo names it. Nothing where no name of the table is it, or more than one could be: the
// name is the table's up to case and decorations ("(R)", " CPU @ 2.30GHz"), or its words are those of exactly one name
// of the table plus others, or some of them.
std::optional<double> cpu_design_power(const std::string& model);

std::vector<std::string> cpu_table_names();  // for tests

}  // namespace downbeat
