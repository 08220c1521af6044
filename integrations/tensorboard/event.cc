#include "integrations/tensorboard/event.h"

#include <cmath>

#include "callbacks/vocabulary/python_json.h"
#include "integrations/support/json_text.h"
#include "integrations/support/little_endian.h"
#include "integrations/support/protobuf_writer.h"
#include "integrations/tensorboard/crc32c.h"

namespace downbeat {
namespace {

// Enumerations of the messages.
constexpr int64_t kFloat = 1;
constexpr int64_t kString = 7;
constexpr int64_t kSessionStart = 1;

ProtobufWriter event_at(double time, int64_t step) {
  ProtobufWriter event;
  event.add_double(1, time);
  if (step != 0) event.add_int64(2, step);
  return event;
}

ProtobufWriter value_of(const std::string& tag) { return ProtobufWriter().add_bytes(1, valid_utf8(tag)); }

std::string summary_event(double time, int64_t step, const ProtobufWriter& value) {
  return event_at(time, step).add_message(5, ProtobufWriter().add_message(1, value)).bytes();
}

ProtobufWriter tensor_of(int64_t type, int64_t size) {
  const ProtobufWriter dimension = size == 0 ? ProtobufWriter() : ProtobufWriter().add_int64(1, size);
  return ProtobufWriter().add_int64(1, type).add_message(2, ProtobufWriter().add_message(2, dimension));
}

ProtobufWriter metadata_of(const std::string& plugin, const std::string& content) {
  ProtobufWriter plugin_data;
  plugin_data.add_bytes(1, plugin);
  if (!content.empty()) plugin_data.add_bytes(2, content);
  return ProtobufWriter().add_message(1, plugin_data);
}

// All that the plugin reads stands in the metadata; the value is an empty one.
std::string hparams_event(double time, const std::string& tag, int field, const ProtobufWriter& message) {
  const ProtobufWriter content = ProtobufWriter().add_message(field, message);
  return summary_event(
      time, 0,
      value_of(tag).add_message(8, tensor_of(kFloat, 0)).add_message(9, metadata_of("hparams", content.bytes())));
}

// google.protobuf.Value. The page's JSON has no NaN and no infinities.
ProtobufWriter hyperparameter(const nlohmann::ordered_json& value) {
  ProtobufWriter message;
  if (value.is_boolean()) return message.add_int64(4, value.get<bool>() ? 1 : 0);
  if (value.is_number() && std::isfinite(value.get<double>())) return message.add_double(2, value.get<double>());
  return message.add_bytes(3, value.is_string() ? valid_utf8(value.get<std::string>()) : python_json(value));
}

// A check of bytes that hold checks themselves would be weak: TFRecord files keep it turned and shifted.
std::string masked_check(absl::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return little_endian((crc >> 15 | crc << 17) + 0xa282ead8);
}

}  // namespace

std::string version_event(double time, int64_t step) {
  return event_at(time, step).add_bytes(3, "brain.Event:2").bytes();
}

std::string session_start_event(double time, int64_t step) {
  return event_at(time, step).add_message(7, ProtobufWriter().add_int64(1, kSessionStart)).bytes();
}

std::string scalar_event(double time, int64_t step, const std::string& tag, double value) {
  return summary_event(time, step, value_of(tag).add_float(2, static_cast<float>(value)));
}

std::string text_event(double time, int64_t step, const std::string& name, const std::string& text) {
  ProtobufWriter tensor = tensor_of(kString, 1);
  tensor.add_bytes(8, valid_utf8(text));
  return summary_event(time, step,
                       value_of(name + "/text_summary").add_message(8, tensor).add_message(9, metadata_of("text", "")));
}

std::string histogram_event(double time, int64_t step, const std::string& tag, const Histogram& histogram) {
  ProtobufWriter message;
  message.add_double(1, histogram.min)
      .add_double(2, histogram.max)
      .add_double(3, histogram.num)
      .add_double(4, histogram.sum)
      .add_double(5, histogram.sum_squares)
      .add_packed_doubles(6, histogram.bucket_limits)
      .add_packed_doubles(7, histogram.buckets);
  return summary_event(time, step, value_of(tag).add_message(5, message));
}

std::string session_start_info_event(
    double time, const std::vector<std::pair<std::string, nlohmann::ordered_json>>& hyperparameters) {
  ProtobufWriter session;
  for (const auto& [name, value] : hyperparameters) {
    if (value.is_null()) continue;
    session.add_message(1, ProtobufWriter().add_bytes(1, valid_utf8(name)).add_message(2, hyperparameter(value)));
  }
  session.add_double(5, time);
  return hparams_event(time, "_hparams_/session_start_info", 3, session);
}

std::string session_end_info_event(double time, SessionStatus status) {
  ProtobufWriter session;
  session.add_int64(1, static_cast<int64_t>(status)).add_double(2, time);
  return hparams_event(time, "_hparams_/session_end_info", 4, session);
}

std::string event_record(absl::string_view event) {
  const std::string length = little_endian(uint64_t{event.size()});
  std::string record = length + masked_check(length);
  record.append(event.data(), event.size());
  return record + masked_check(event);
}

}  // namespace downbeat
