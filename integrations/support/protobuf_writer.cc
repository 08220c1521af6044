#include "integrations/support/protobuf_writer.h"

#include <bit>

#include "integrations/support/little_endian.h"

namespace downbeat {
namespace {

constexpr int kVarint = 0;
constexpr int kFixed64 = 1;
constexpr int kLengthDelimited = 2;
constexpr int kFixed32 = 5;

}  // namespace

ProtobufWriter& ProtobufWriter::add_int64(int field, int64_t value) {
  add_tag(field, kVarint);
  add_varint(static_cast<uint64_t>(value));
  return *this;
}

ProtobufWriter& ProtobufWriter::add_double(int field, double value) {
  add_tag(field, kFixed64);
  bytes_ += little_endian(std::bit_cast<uint64_t>(value));
  return *this;
}

ProtobufWriter& ProtobufWriter::add_float(int field, float value) {
  add_tag(field, kFixed32);
  bytes_ += little_endian(std::bit_cast<uint32_t>(value));
  return *this;
}

ProtobufWriter& ProtobufWriter::add_bytes(int field, absl::string_view value) {
  add_tag(field, kLengthDelimited);
  add_varint(value.size());
  bytes_.append(value.data(), value.size());
  return *this;
}

ProtobufWriter& ProtobufWriter::add_packed_doubles(int field, const std::vector<double>& values) {
  add_tag(field, kLengthDelimited);
  add_varint(values.size() * sizeof(double));
  for (const double value : values) bytes_ += little_endian(std::bit_cast<uint64_t>(value));
  return *this;
}

void ProtobufWriter::add_tag(int field, int wire_type) {
  add_varint(static_cast<uint64_t>(field) << 3 | static_cast<uint64_t>(wire_type));
}

void ProtobufWriter::add_varint(uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
  bytes_ += static_cast<char>(value);
}

}  // namespace downbeat
