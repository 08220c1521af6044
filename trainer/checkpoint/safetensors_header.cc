#include "trainer/checkpoint/safetensors_header.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "trainer/files/printable_name.h"

namespace downbeat {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kLargestHeader = 100'000'000;  // that of the library
constexpr uint64_t kPrefix = sizeof(uint64_t);    // the size of the header, little-endian as every machine of LibTorch
constexpr char kMetadataName[] = "__metadata__";

struct Type {
  const char* name;
  int bits;
};
constexpr Type kTypes[] = {
    // in the order of SafetensorsType
    {"U64", 64},        {"I64", 64},    {"F64", 64},    {"C64", 64},    {"F32", 32}, {"U32", 32},
    {"I32", 32},        {"BF16", 16},   {"F16", 16},    {"U16", 16},    {"I16", 16}, {"F8_E5M2FNUZ", 8},
    {"F8_E4M3FNUZ", 8}, {"F8_E8M0", 8}, {"F8_E4M3", 8}, {"F8_E5M2", 8}, {"I8", 8},   {"U8", 8},
    {"F6_E3M2", 6},     {"F6_E2M3", 6}, {"F4", 4},      {"BOOL", 8},
};
static_assert(std::size(kTypes) == static_cast<std::size_t>(SafetensorsType::kBOOL) + 1);

int bits_of(SafetensorsType type) { return kTypes[static_cast<std::size_t>(type)].bits; }

// The bits of a tensor; nothing where no tensor can have the shape, be it for the strides of an empty one.
std::optional<int64_t> bits_of(const SafetensorsTensor& tensor) {
  int64_t bits = bits_of(tensor.type);
  bool is_empty = false;
  for (const int64_t size : tensor.shape) {
    is_empty = is_empty || size == 0;
    if (__builtin_mul_overflow(bits, std::max<int64_t>(size, 1), &bits)) return std::nullopt;
  }
  return is_empty ? 0 : bits;
}

// --- Reading ---

// Takes the header apart while it is parsed, so that only what the format allows is ever kept, and refuses it at the
// first thing that is not: however deep it may be nested.
class HeaderReader final : public Json::json_sax_t {
 public:
  HeaderReader(SafetensorsHeader& header, const std::string& path) : header_(header), path_(path) {}

  const absl::Status& status() const { return status_; }

  bool start_object(std::size_t) override {
    if (at_ == At::kStart) return go(At::kNames);
    if (at_ == At::kEntry) return go(At::kFields);
    if (at_ == At::kMetadata) return go(At::kMetadataNames);
    return refuse_value();
  }
  bool end_object() override {
    if (at_ == At::kNames) return go(At::kEnd);
    if (at_ == At::kMetadataNames) return go(At::kNames);
    for (std::size_t i = 0; i < std::size(kFields); ++i) {
      if (!has_[i]) return refuse("the entry of ", name(), " lacks ", kFields[i]);
    }
    return go(At::kNames);
  }
  bool key(std::string& text) override {
    if (at_ == At::kNames) return text == kMetadataName ? begin_metadata() : begin_entry(text);
    if (at_ == At::kMetadataNames) return begin_metadata_text(text);
    return begin_field(text);
  }

  bool start_array(std::size_t) override {
    if (at_ == At::kShape) return go(At::kSizes);
    if (at_ == At::kOffsets) return go(At::kPositions);
    return refuse_value();
  }
  bool end_array() override {
    if (at_ == At::kPositions && positions_ != 2) return refuse_value();
    return go(At::kFields);
  }

  bool string(std::string& text) override {
    if (at_ == At::kMetadataText) {
      metadata_text_->second = std::move(text);
      return go(At::kMetadataNames);
    }
    if (at_ != At::kType) return refuse_value();
    const std::optional<SafetensorsType> type = safetensors_type(text);
    if (!type) return refuse_type(text);
    entry_->second.type = *type;
    return go(At::kFields);
  }
  bool number_unsigned(uint64_t number) override {
    if (at_ == At::kPositions && positions_ < 2) {
      (positions_++ == 0 ? entry_->second.begin : entry_->second.end) = number;
      return true;
    }
    if (at_ != At::kSizes || number > std::numeric_limits<int64_t>::max()) return refuse_value();
    entry_->second.shape.push_back(static_cast<int64_t>(number));
    return true;
  }
  bool null() override { return at_ == At::kMetadata ? go(At::kNames) : refuse_value(); }  // as in the library
  bool boolean(bool) override { return refuse_value(); }
  bool number_integer(int64_t) override { return refuse_value(); }  // below zero
  bool number_float(double, const std::string&) override { return refuse_value(); }
  bool binary(Json::binary_t&) override { return refuse_value(); }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return refuse("its header is no JSON object");
  }

 private:
  enum class At {
    kStart,
    kNames,
    kEntry,
    kFields,
    kType,
    kShape,
    kSizes,
    kOffsets,
    kPositions,
    kMetadata,
    kMetadataNames,
    kMetadataText,
    kEnd,
  };
  static constexpr const char* kFields[] = {"dtype", "shape", "data_offsets"};

  bool go(At at) {
    at_ = at;
    return true;
  }
  bool begin_metadata() {
    if (std::exchange(has_metadata_, true)) return refuse(kMetadataName, " is there twice");
    return go(At::kMetadata);
  }
  bool begin_metadata_text(const std::string& text) {
    const auto [found, is_new] = header_.metadata.try_emplace(text);
    if (!is_new) return refuse(printable_name(text), " is there twice in ", kMetadataName);
    metadata_text_ = found;
    return go(At::kMetadataText);
  }
  bool begin_entry(const std::string& text) {
    const auto [found, is_new] = header_.tensors.try_emplace(text);
    if (!is_new) return refuse(printable_name(text), " is there twice");
    entry_ = found;
    positions_ = 0;
    std::fill(std::begin(has_), std::end(has_), false);
    return go(At::kEntry);
  }
  bool begin_field(const std::string& text) {
    constexpr At kNext[] = {At::kType, At::kShape, At::kOffsets};
    for (std::size_t i = 0; i < std::size(kFields); ++i) {
      if (text != kFields[i]) continue;
      if (std::exchange(has_[i], true)) return refuse("the entry of ", name(), " has ", text, " twice");
      return go(kNext[i]);
    }
    return refuse("the entry of ", name(), " has the unknown field ", printable_name(text));
  }

  std::string name() const { return printable_name(entry_->first); }

  // A value of a kind that cannot be here.
  bool refuse_value() {
    switch (at_) {
      case At::kStart:
        return refuse("its header is no JSON object");
      case At::kType:
        return refuse("the dtype of ", name(), " is no text");
      case At::kShape:
      case At::kSizes:
        return refuse("the shape of ", name(), " is no list of sizes");
      case At::kOffsets:
      case At::kPositions:
        return refuse("the data_offsets of ", name(), " are not two positions");
      case At::kMetadata:
      case At::kMetadataText:
        return refuse("its ", kMetadataName, " is no object of texts");
      default:
        return refuse("the entry of ", name(), " is no object");
    }
  }
  bool refuse_type(const std::string& type) {
    status_ =
        absl::UnimplementedError(absl::StrCat("cannot read ", path_, ": ", name(), " has type ", printable_name(type)));
    return false;
  }
  template <class... Parts>
  bool refuse(const Parts&... parts) {
    status_ = absl::DataLossError(absl::StrCat(path_, " is damaged: ", parts...));
    return false;
  }

  SafetensorsHeader& header_;
  const std::string& path_;
  absl::Status status_;
  At at_ = At::kStart;
  bool has_metadata_ = false;
  SafetensorsMetadata::iterator metadata_text_;
  std::map<std::string, SafetensorsEntry>::iterator entry_;
  bool has_[std::size(kFields)] = {};  // of the entry
  int positions_ = 0;                  // of the entry
};

template <class... Parts>
absl::Status damaged(const std::string& path, const Parts&... parts) {
  return absl::DataLossError(absl::StrCat(path, " is damaged: ", parts...));
}

// The text of the header.
absl::StatusOr<absl::string_view> find_header(absl::string_view file, const std::string& path) {
  if (file.size() < kPrefix) return damaged(path, "it has no header");
  uint64_t size = 0;
  std::memcpy(&size, file.data(), kPrefix);
  if (size > kLargestHeader) {
    return damaged(path, "its header would have ", size, " bytes, of which ", kLargestHeader, " are allowed");
  }
  if (size > file.size() - kPrefix) return damaged(path, "it is cut off in its header");
  const absl::string_view text = file.substr(kPrefix, size);
  // The parser takes a NUL for the end of the text.
  if (text.empty() || text.front() != '{' || absl::StrContains(text, '\0'))
    return damaged(path, "its header is no JSON object");
  return text;
}

absl::Status check_size(const std::string& name, const SafetensorsEntry& entry, uint64_t data_size,
                        const std::string& path) {
  const std::string printable = printable_name(name);
  const std::optional<int64_t> bits = bits_of(entry);
  if (!bits) return damaged(path, printable, " has a shape that no tensor can have");
  if (*bits % 8 != 0) return damaged(path, "the elements of ", printable, " do not fill whole bytes");
  if (entry.begin > entry.end) return damaged(path, "the data of ", printable, " ends before it begins");
  if (entry.end > data_size) return damaged(path, "the data of ", printable, " is cut off");
  const uint64_t needed = static_cast<uint64_t>(*bits) / 8, size = entry.end - entry.begin;
  if (size != needed) {
    return damaged(path, "the data of ", printable, " has ", size, " bytes but its shape needs ", needed);
  }
  return absl::OkStatus();
}

// Every byte belongs to one tensor.
absl::Status check_positions(const std::map<std::string, SafetensorsEntry>& tensors, uint64_t data_size,
                             const std::string& path) {
  std::vector<const std::pair<const std::string, SafetensorsEntry>*> ordered;
  ordered.reserve(tensors.size());
  for (const auto& item : tensors) ordered.push_back(&item);
  std::sort(ordered.begin(), ordered.end(), [](const auto* a, const auto* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  uint64_t end = 0;
  for (const auto* item : ordered) {
    const auto& [name, entry] = *item;
    if (entry.begin < end) return damaged(path, "the data of ", printable_name(name), " overlaps that of another");
    if (entry.begin > end) return damaged(path, "the data before that of ", printable_name(name), " is no tensor's");
    end = entry.end;
  }
  return end == data_size ? absl::OkStatus() : damaged(path, "its last ", data_size - end, " bytes are no tensor's");
}

absl::Status check_data(const SafetensorsHeader& header, uint64_t data_size, const std::string& path) {
  for (const auto& [name, entry] : header.tensors) {
    if (absl::Status status = check_size(name, entry, data_size, path); !status.ok()) return status;
  }
  return check_positions(header.tensors, data_size, path);
}

// --- Writing ---

// By type, then by name.
std::vector<std::string> in_file_order(const std::map<std::string, SafetensorsTensor>& tensors) {
  std::vector<std::string> names;
  for (const auto& item : tensors) names.push_back(item.first);
  std::stable_sort(names.begin(), names.end(),
                   [&](const std::string& a, const std::string& b) { return tensors.at(a).type < tensors.at(b).type; });
  return names;
}

// Throws Json::exception for what is not UTF-8.
std::string header_text(const std::map<std::string, SafetensorsTensor>& tensors, const std::vector<std::string>& names,
                        const SafetensorsMetadata& metadata) {
  std::vector<std::string> items;
  if (!metadata.empty()) items.push_back(absl::StrCat("\"", kMetadataName, "\":", Json(metadata).dump()));
  uint64_t position = 0;
  for (const std::string& name : names) {
    const SafetensorsTensor& tensor = tensors.at(name);
    const uint64_t end = position + static_cast<uint64_t>(bits_of(tensor).value_or(0)) / 8;
    items.push_back(absl::StrCat(Json(name).dump(), ":{\"dtype\":\"", name_of(tensor.type), "\",\"shape\":[",
                                 absl::StrJoin(tensor.shape, ","), "],\"data_offsets\":[", position, ",", end, "]}"));
    position = end;
  }
  return absl::StrCat("{", absl::StrJoin(items, ","), "}");
}

}  // namespace

const char* name_of(SafetensorsType type) { return kTypes[static_cast<std::size_t>(type)].name; }

std::optional<SafetensorsType> safetensors_type(absl::string_view name) {
  for (std::size_t i = 0; i < std::size(kTypes); ++i) {
    if (name == kTypes[i].name) return static_cast<SafetensorsType>(i);
  }
  return std::nullopt;
}

absl::StatusOr<SafetensorsHeader> parse_safetensors_header(absl::string_view file, const std::string& path) {
  const absl::StatusOr<absl::string_view> text = find_header(file, path);
  if (!text.ok()) return text.status();
  SafetensorsHeader header;
  HeaderReader reader(header, path);
  if (!Json::sax_parse(text->begin(), text->end(), &reader)) return reader.status();
  const uint64_t data_begin = kPrefix + text->size();
  if (absl::Status status = check_data(header, file.size() - data_begin, path); !status.ok()) return status;
  for (auto& item : header.tensors) {
    item.second.begin += data_begin;
    item.second.end += data_begin;
  }
  return header;
}

absl::StatusOr<SafetensorsLayout> lay_out_safetensors(const std::map<std::string, SafetensorsTensor>& tensors,
                                                      const SafetensorsMetadata& metadata) {
  if (tensors.count(kMetadataName) > 0) {
    return absl::InvalidArgumentError(absl::StrCat("a tensor cannot be called ", kMetadataName));
  }
  SafetensorsLayout layout;
  layout.names = in_file_order(tensors);
  std::string text;
  try {
    text = header_text(tensors, layout.names, metadata);
  } catch (const Json::exception&) {
    return absl::InvalidArgumentError("a name is not UTF-8");
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  const uint64_t size = text.size();
  layout.header = absl::StrCat(absl::string_view(reinterpret_cast<const char*>(&size), kPrefix), text);
  return layout;
}

}  // namespace downbeat
