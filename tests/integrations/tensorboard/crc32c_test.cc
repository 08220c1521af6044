#include "integrations/tensorboard/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace downbeat {
namespace {

// RFC 3720, B.4.
TEST(Crc32c, IsThatOfTheStandard) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aa);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43);
  std::string rising, falling;
  for (char byte = 0; byte < 32; ++byte) {
    rising += byte;
    falling.insert(falling.begin(), byte);
  }
  EXPECT_EQ(crc32c(rising), 0x46dd794e);
  EXPECT_EQ(crc32c(falling), 0x113fdb5c);
}

TEST(Crc32c, OfNothingIsZero) { EXPECT_EQ(crc32c(""), 0); }

TEST(Crc32c, NoticesEveryBit) {
  const std::string bytes = "events of 21 bytes...";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string other = bytes;
      other[i] = static_cast<char>(other[i] ^ 1 << bit);
      EXPECT_NE(crc32c(other), crc32c(bytes)) << i << " " << bit;
    }
  }
}

}  // namespace
}  // namespace downbeat
