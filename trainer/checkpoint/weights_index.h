// model.safetensors.index.json: which tensor lies in which of the files among which a model is divided.
//
//   absl::StatusOr<WeightsIndex> index = parse_weights_index(text, "model.safetensors.index.json");
//   const std::string& file = index->files.at("fc1.weight");
//
// model_weights.h writes and reads the whole. Free of torch.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace downbeat {

struct WeightsIndex {
  std::map<std::string, std::string> files;  // by the tensor's name; each is the name of a .safetensors file, no path
};

// `path` is for sentences. Everything beside weight_map is passed over; in it a name that is there twice, and a file
// that could lie elsewhere or is none of safetensors, is one sentence (absl::StatusCode::kDataLoss).
absl::StatusOr<WeightsIndex> parse_weights_index(absl::string_view text, const std::string& path);

// As huggingface_hub 2.4 writes it. `tied` maps the names that are not written to those that are; `files` is in the
// order of the files. A name that is not UTF-8 is refused.
absl::StatusOr<std::string> weights_index_text(int64_t total_size, const std::map<std::string, std::string>& tied,
                                               const std::vector<std::pair<std::string, std::string>>& files);

}  // namespace downbeat
