#include "integrations/support/protobuf_writer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/escaping.h"

namespace downbeat {
namespace {

std::string hex(const ProtobufWriter& message) { return absl::BytesToHexString(message.bytes()); }

TEST(ProtobufWriter, WritesIntegersAsVarints) {
  EXPECT_EQ(hex(ProtobufWriter().add_int64(1, 150)), "089601");
  EXPECT_EQ(hex(ProtobufWriter().add_int64(2, 127)), "107f");
  EXPECT_EQ(hex(ProtobufWriter().add_int64(2, 128)), "108001");
  EXPECT_EQ(hex(ProtobufWriter().add_int64(2, std::numeric_limits<int64_t>::max())), "10ffffffffffffffff7f");
}

TEST(ProtobufWriter, WritesNegativeIntegersWithTenBytes) {
  EXPECT_EQ(hex(ProtobufWriter().add_int64(2, -1)), "10ffffffffffffffffff01");
  EXPECT_EQ(hex(ProtobufWriter().add_int64(2, -2)), "10feffffffffffffffff01");
}

TEST(ProtobufWriter, WritesFieldNumbersAboveFifteenWithTwoBytes) {
  EXPECT_EQ(hex(ProtobufWriter().add_int64(15, 1)), "7801");
  EXPECT_EQ(hex(ProtobufWriter().add_int64(16, 1)), "800101");
  EXPECT_EQ(hex(ProtobufWriter().add_int64(199, 1)), "b80c01");
}

TEST(ProtobufWriter, WritesNumbersLittleEndian) {
  EXPECT_EQ(hex(ProtobufWriter().add_double(1, 1.0)), "09000000000000f03f");
  EXPECT_EQ(hex(ProtobufWriter().add_float(2, -2.0F)), "15000000c0");
  EXPECT_EQ(hex(ProtobufWriter().add_float(2, std::numeric_limits<float>::infinity())), "150000807f");
}

TEST(ProtobufWriter, WritesZeroAndEmptyToo) {
  EXPECT_EQ(hex(ProtobufWriter().add_int64(1, 0).add_float(2, 0).add_bytes(3, "").add_message(4, {})),
            "0800"
            "1500000000"
            "1a00"
            "2200");
}

TEST(ProtobufWriter, WritesBytesAsTheyAre) {
  EXPECT_EQ(hex(ProtobufWriter().add_bytes(2, "testing")), "120774657374696e67");
  const std::string zeros(200, '\0');
  EXPECT_EQ(ProtobufWriter().add_bytes(1, zeros).bytes(), std::string("\x0a\xc8\x01", 3) + zeros);
}

TEST(ProtobufWriter, WritesMessagesWithinMessages) {
  EXPECT_EQ(hex(ProtobufWriter().add_message(3, ProtobufWriter().add_int64(1, 150))), "1a03089601");
}

TEST(ProtobufWriter, PacksDoubles) {
  EXPECT_EQ(hex(ProtobufWriter().add_packed_doubles(6, {1.0, -1.0})), "3210000000000000f03f000000000000f0bf");
  EXPECT_EQ(hex(ProtobufWriter().add_packed_doubles(6, {})), "3200");
}

TEST(ProtobufWriter, KeepsTheOrderAndRepeats) {
  EXPECT_EQ(hex(ProtobufWriter().add_int64(2, 1).add_int64(1, 2).add_int64(2, 3)), "100108021003");
}

// Header record of a W&B log: num 1, header{version_info{producer, min_consumer}}.
TEST(ProtobufWriter, WritesWhatTheRealWriterOfWandbDoes) {
  ProtobufWriter version;
  version.add_bytes(1, "0.28.3+cpp").add_bytes(2, "0.70.0");
  const ProtobufWriter header = ProtobufWriter().add_message(1, version);
  EXPECT_EQ(hex(ProtobufWriter().add_int64(1, 1).add_message(21, header)),
            "0801aa01160a140a0a302e32382e332b6370701206302e37302e30");
}

}  // namespace
}  // namespace downbeat
