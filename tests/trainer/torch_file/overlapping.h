// A zip file whose entries data/0, data/1, ... are all the same bytes of the file, which together are larger than it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace downbeat::testing {

inline std::string little(uint64_t number, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(number >> (8 * i));
  return text;
}

inline uint32_t check_sum(const std::string& bytes) {
  uint32_t sum = ~0U;
  for (const char byte : bytes) {
    sum ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ (sum & 1 ? 0xedb88320U : 0);
  }
  return ~sum;
}

struct OverlappingArchive {
  std::string bytes, directory;
  int entries = 0;

  // The fields that both headers of an entry have.
  static std::string fields(const std::string& name, const std::string& content) {
    return little(20, 2) + little(0, 8) + little(check_sum(content), 4) + little(content.size(), 4) +
           little(content.size(), 4) + little(name.size(), 2) + little(0, 2);
  }
  std::size_t put(const std::string& name, const std::string& content) {
    const std::size_t at = bytes.size();
    bytes += "PK\x03\x04" + fields(name, content) + name + content;
    return at;
  }
  void list(const std::string& name, const std::string& content, std::size_t at) {
    directory += "PK\x01\x02" + little(20, 2) + fields(name, content) + little(0, 10) + little(at, 4) + name;
    ++entries;
  }
  std::string finished() const {
    const auto count = static_cast<uint64_t>(entries);
    return bytes + directory + "PK\x05\x06" + little(0, 4) + little(count, 2) + little(count, 2) +
           little(directory.size(), 4) + little(bytes.size(), 4) + little(0, 2);
  }
};

inline std::string overlapping_archive(const std::string& pickle, const std::string& storage, int storages) {
  OverlappingArchive archive;
  archive.list("archive/data.pkl", pickle, archive.put("archive/data.pkl", pickle));
  const std::size_t at = archive.put("archive/data/0", storage);
  for (int i = 0; i < storages; ++i) archive.list("archive/data/" + std::to_string(i), storage, at);
  return archive.finished();
}

}  // namespace downbeat::testing
