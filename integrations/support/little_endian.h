// The bytes of a whole number, the least one first, as the formats of files ask for.
//
//   little_endian(uint16_t{258}) == std::string("\x02\x01")
#pragma once

#include <concepts>
#include <cstddef>
#include <string>

namespace downbeat {

template <std::unsigned_integral Integer>
std::string little_endian(Integer value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

}  // namespace downbeat
