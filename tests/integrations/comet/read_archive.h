// The members of a zip archive, for tests.
#pragma once

#include <gtest/gtest.h>
#include <zip.h>

#include <map>
#include <string>

namespace downbeat {

inline std::map<std::string, std::string> read_archive(const std::string& path) {
  std::map<std::string, std::string> members;
  zip_t* archive = zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, nullptr);
  if (archive == nullptr) {
    ADD_FAILURE() << path << " is no archive";
    return members;
  }
  for (zip_int64_t i = 0; i < zip_get_num_entries(archive, 0); ++i) {
    const auto index = static_cast<zip_uint64_t>(i);
    zip_stat_t about;
    zip_stat_index(archive, index, 0, &about);
    std::string content(about.size, '\0');
    zip_file_t* file = zip_fopen_index(archive, index, 0);
    EXPECT_EQ(zip_fread(file, content.data(), content.size()), static_cast<zip_int64_t>(content.size()));
    zip_fclose(file);
    members[about.name] = content;
  }
  zip_discard(archive);
  return members;
}

}  // namespace downbeat
