// MD5 (RFC 1321), as artifacts name their files by it. It protects against nothing but mistakes: never use it for
// secrets.
//
//   Md5 md5;
//   md5.add("a").add("bc");
//   md5.digest();              // 16 bytes
#pragma once

#include <absl/strings/string_view.h>

#include <array>
#include <cstdint>
#include <string>

namespace downbeat {

class Md5 {
 public:
  Md5& add(absl::string_view bytes);
  std::string digest();  // ends it: nothing may be added afterwards

 private:
  void add_block(const char* block);

  std::array<uint32_t, 4> state_ = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  uint64_t size_ = 0;  // bytes
  std::string rest_;   // of less than a block
};

}  // namespace downbeat
