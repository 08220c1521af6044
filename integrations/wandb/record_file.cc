#include "integrations/wandb/record_file.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

#include "integrations/support/little_endian.h"
#include "integrations/support/protobuf_writer.h"

namespace downbeat {
namespace {

WandbChunk type_of(bool is_first, bool is_last) {
  if (is_first) return is_last ? WandbChunk::full : WandbChunk::first;
  return is_last ? WandbChunk::last : WandbChunk::middle;
}

void append_chunk(std::string& to, WandbChunk type, absl::string_view payload) {
  std::string checked(1, static_cast<char>(type));
  checked.append(payload.data(), payload.size());
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(checked.data()), static_cast<uInt>(checked.size()));
  to += little_endian(static_cast<uint32_t>(crc)) + little_endian(static_cast<uint16_t>(payload.size())) + checked;
}

}  // namespace

std::string framed(int64_t at, absl::string_view record) {
  std::string out;
  bool is_first = true;
  bool is_last = false;
  while (!is_last) {
    std::size_t left = kWandbBlock - (static_cast<std::size_t>(at) + out.size()) % kWandbBlock;
    if (left < kWandbChunkHeader) {
      out.append(left, '\0');
      left = kWandbBlock;
    }
    const absl::string_view payload = record.substr(0, left - kWandbChunkHeader);
    record.remove_prefix(payload.size());
    is_last = record.empty();
    append_chunk(out, type_of(is_first, is_last), payload);
    is_first = false;
  }
  return out;
}

RecordFile::RecordFile(std::string path) : file_("W&B", std::move(path), {.must_be_new = true}) {}

void RecordFile::hold(std::vector<std::string> records) {
  for (std::string& record : records) held_.push_back(std::move(record));
}

bool RecordFile::append(const std::vector<std::string>& records, int64_t values) {
  std::string bytes;
  if (!is_begun()) bytes.assign(kWandbFileHeader.data(), kWandbFileHeader.size());
  int64_t number = number_;
  for (const auto* some : {&std::as_const(held_), &records}) {
    for (const std::string& record : *some) {
      const std::string numbered = ProtobufWriter().add_int64(1, ++number).bytes() + record;
      bytes += framed(file_.size() + static_cast<int64_t>(bytes.size()), numbered);
    }
  }
  if (!file_.append(bytes, values)) return false;
  number_ = number;
  held_.clear();
  return true;
}

}  // namespace downbeat
