#include "integrations/tensorboard/crc32c.h"

#include <array>
#include <cstddef>

namespace downbeat {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;  // bits reflected

using Table = std::array<uint32_t, 256>;

// kTables[0]: what one byte does; kTables[n]: what it does when n zero bytes follow. With all eight, eight bytes are
// taken in at once.
constexpr std::array<Table, 8> kTables = [] {
  std::array<Table, 8> tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t zeros = 1; zeros < tables.size(); ++zeros) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[zeros - 1][byte];
      tables[zeros][byte] = before >> 8 ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}();

}  // namespace

uint32_t crc32c(absl::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  uint32_t crc = 0xFFFFFFFF;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint32_t next = 0;
    for (std::size_t j = 0; j < 4; ++j) next ^= kTables[7 - j][(crc >> (8 * j) & 0xFF) ^ at(i + j)];
    for (std::size_t j = 4; j < 8; ++j) next ^= kTables[7 - j][at(i + j)];
    crc = next;
  }
  for (; i < bytes.size(); ++i) crc = crc >> 8 ^ kTables[0][(crc & 0xFF) ^ at(i)];
  return crc ^ 0xFFFFFFFF;
}

}  // namespace downbeat
