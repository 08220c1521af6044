// The files that an example brings along.
//
//   examples::runfile("examples/digits/digits.csv")
#pragma once

#include <string>

namespace examples {

// The path of a file of this repository that is a program's data in Bazel, wherever the program is started from.
std::string runfile(const std::string& path);

}  // namespace examples
