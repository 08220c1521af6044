#include "integrations/wandb/previous_rows.h"

#include <absl/strings/match.h>

#include <algorithm>
#include <cstddef>
#include <optional>

#include "integrations/support/small_file.h"
#include "integrations/wandb/record_file.h"

namespace downbeat {
namespace {

uint64_t byte_at(absl::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }

// The next record from `at` on, put together from its chunks; nothing at the end. The checksums are the business of the
// program that uploads the file.
std::optional<std::string> next_record(absl::string_view file, std::size_t& at) {
  std::string record;
  while (true) {
    const std::size_t left = kWandbBlock - at % kWandbBlock;
    if (left < kWandbChunkHeader) at += left;
    if (at + kWandbChunkHeader > file.size()) return std::nullopt;
    const std::size_t length = byte_at(file, at + 4) | byte_at(file, at + 5) << 8;
    const auto type = static_cast<WandbChunk>(file[at + 6]);
    at += kWandbChunkHeader;
    if (type < WandbChunk::full || type > WandbChunk::last || at + length > file.size()) return std::nullopt;
    record.append(file.data() + at, length);
    at += length;
    if (type == WandbChunk::full || type == WandbChunk::last) return record;
  }
}

std::optional<uint64_t> take_varint(absl::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const uint64_t byte = byte_at(bytes, 0);
    bytes.remove_prefix(1);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

// The last field of that number in a message.
struct Field {
  uint64_t number = 0;
  absl::string_view bytes = {};
};
std::optional<Field> field_of(absl::string_view message, uint64_t wanted) {
  std::optional<Field> found;
  while (!message.empty()) {
    const std::optional<uint64_t> tag = take_varint(message);
    if (!tag) return found;
    Field field;
    if ((*tag & 7) == 0) {
      const auto value = take_varint(message);
      if (!value) return found;
      field.number = *value;
    } else {
      const auto size = (*tag & 7) == 2 ? take_varint(message) : (*tag & 7) == 1 ? 8 : 4;
      if (!size || *size > message.size()) return found;
      field.bytes = message.substr(0, *size);
      message.remove_prefix(*size);
    }
    if (*tag >> 3 == wanted) found = field;
  }
  return found;
}

// Record.history.step.num
std::optional<int64_t> step_of_row(absl::string_view record) {
  const auto history = field_of(record, 2);
  const auto step = history ? field_of(history->bytes, 2) : std::nullopt;
  const auto number = step ? field_of(step->bytes, 1) : std::nullopt;
  if (!step) return std::nullopt;
  return number ? static_cast<int64_t>(number->number) : 0;
}

}  // namespace

int64_t next_step_in(absl::string_view file_content) {
  if (!absl::StartsWith(file_content, kWandbFileHeader)) return 0;
  int64_t next = 0;
  std::size_t at = kWandbFileHeader.size();
  while (const std::optional<std::string> record = next_record(file_content, at)) {
    if (const auto step = step_of_row(*record)) next = std::max(next, *step + 1);
  }
  return next;
}

int64_t next_step_in_file(const std::string& path) { return next_step_in(read_small_file(path).value_or("")); }

}  // namespace downbeat
