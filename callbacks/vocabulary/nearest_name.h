// The right name for a misspelt one, for sentences.
//
//   did_you_mean("learning_rat", {"learning_rate", "seed"})  ==  "; did you mean learning_rate?"
#pragma once

#include <string>
#include <vector>

namespace downbeat {

// A clause that ends a sentence, with `prefix` before each name; `otherwise` if nothing is near. Near is what differs
// in a few letters; failing that, what contains the name as whole words (batch_size, epochs), three at most.
std::string did_you_mean(const std::string& name, const std::vector<std::string>& right_names,
                         const std::string& prefix = "", const std::string& otherwise = "");

}  // namespace downbeat
