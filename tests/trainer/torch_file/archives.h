// Zip files as torch.save writes them, taken apart and put together with other content.
#pragma once

#include <map>
#include <string>

namespace downbeat::testing {

// The entries of a zip file by their names without the folder: "data.pkl", "byteorder", "data/0".
using Archive = std::map<std::string, std::string>;

Archive read_archive(const std::string& path);

// Check sums are those of the new content.
void write_archive(const Archive& archive, const std::string& path, bool is_compressed = false);

}  // namespace downbeat::testing
