// What may happen to the bytes of a file: the same for a seed on every machine.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

namespace downbeat::testing {

class Mutations {
 public:
  explicit Mutations(uint64_t seed) : random_(seed) {}

  // One to four changes: a byte, a bit, the end cut off, a slice once more, a slice gone, bytes put between.
  std::string of(std::string bytes) {
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) change(bytes);
    return bytes;
  }

 private:
  std::size_t below(std::size_t end) { return end == 0 ? 0 : random_() % end; }
  char byte() { return static_cast<char>(below(256)); }

  void change(std::string& bytes) {
    const std::size_t at = below(bytes.size() + 1);
    const std::size_t length = std::min(1 + below(32), bytes.size() - at);
    switch (below(6)) {
      case 0:
        if (at < bytes.size()) bytes[at] = byte();
        break;
      case 1:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 2:
        if (below(4) == 0) bytes.resize(at);  // seldom, as little of it is left to be wrong elsewhere
        break;
      case 3:
        bytes.insert(below(bytes.size() + 1), bytes.substr(at, length));
        break;
      case 4:
        bytes.erase(at, length);
        break;
      case 5:
        for (std::size_t i = 1 + below(8); i > 0; --i) bytes.insert(at, 1, byte());
        break;
    }
  }

  std::mt19937_64 random_;
};

}  // namespace downbeat::testing
