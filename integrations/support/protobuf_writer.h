// ProtobufWriter: the bytes of a protobuf message, field by field, for trackers whose files are made of a few messages.
//
//   ProtobufWriter value;
//   value.add_bytes(1, "train/loss").add_float(2, 0.5F);
//   ProtobufWriter event;
//   event.add_int64(2, step).add_message(5, ProtobufWriter().add_message(1, value));
//   file.append(event.bytes());
//
// What is added is written, zero and empty as well: whoever reads a oneof or an optional field must see it. Fields are
// written in the order in which they are added; one that is added again is repeated. Source: the wire format as
// protobuf.dev describes it. It checks no schema: with many messages use protobuf itself.
#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <string>
#include <vector>

namespace downbeat {

class ProtobufWriter {
 public:
  ProtobufWriter& add_int64(int field, int64_t value);  // int32, uint32, uint64, bool and enum are written alike
  ProtobufWriter& add_double(int field, double value);
  ProtobufWriter& add_float(int field, float value);
  ProtobufWriter& add_bytes(int field, absl::string_view value);  // string alike, which must be UTF-8
  ProtobufWriter& add_message(int field, const ProtobufWriter& message) { return add_bytes(field, message.bytes_); }
  ProtobufWriter& add_packed_doubles(int field, const std::vector<double>& values);

  const std::string& bytes() const { return bytes_; }

 private:
  void add_tag(int field, int wire_type);
  void add_varint(uint64_t value);

  std::string bytes_;
};

}  // namespace downbeat
