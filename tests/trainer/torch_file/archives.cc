#include "tests/trainer/torch_file/archives.h"

#include <zip.h>

#include <cstdint>
#include <stdexcept>

namespace downbeat::testing {
namespace {

zip_t* opened(const std::string& path, int flags) {
  zip_t* archive = zip_open(path.c_str(), flags, nullptr);
  if (!archive) throw std::runtime_error("libzip cannot open " + path);
  return archive;
}

std::string without_folder(const std::string& name) { return name.substr(name.find('/') + 1); }

std::string content_of(zip_t* archive, uint64_t index) {
  zip_stat_t stat;
  zip_stat_index(archive, index, 0, &stat);
  std::string content(stat.size, '\0');
  zip_file_t* entry = zip_fopen_index(archive, index, 0);
  zip_fread(entry, content.data(), content.size());
  zip_fclose(entry);
  return content;
}

}  // namespace

Archive read_archive(const std::string& path) {
  zip_t* zip = opened(path, ZIP_RDONLY);
  Archive archive;
  for (int64_t i = 0; i < zip_get_num_entries(zip, 0); ++i) {
    const auto index = static_cast<uint64_t>(i);
    archive[without_folder(zip_get_name(zip, index, 0))] = content_of(zip, index);
  }
  zip_discard(zip);
  return archive;
}

void write_archive(const Archive& archive, const std::string& path, bool is_compressed) {
  zip_t* zip = opened(path, ZIP_CREATE | ZIP_TRUNCATE);
  for (const auto& [name, content] : archive) {
    zip_source_t* source = zip_source_buffer(zip, content.data(), content.size(), 0);
    const int64_t index = zip_file_add(zip, ("archive/" + name).c_str(), source, 0);
    const int method = is_compressed ? ZIP_CM_DEFLATE : ZIP_CM_STORE;
    zip_set_file_compression(zip, static_cast<uint64_t>(index), method, 0);
  }
  if (zip_close(zip) != 0) throw std::runtime_error("libzip cannot write " + path);
}

}  // namespace downbeat::testing
