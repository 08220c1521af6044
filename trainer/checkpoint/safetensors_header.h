// The header of a file of the safetensors format: which tensor of which type and shape has which of the bytes after it.
//
//   absl::StatusOr<SafetensorsHeader> header = parse_safetensors_header(file->bytes(), "model.safetensors");
//   absl::StatusOr<SafetensorsLayout> layout = lay_out_safetensors({{"w", {SafetensorsType::kF32, {2, 3}}}}, {});
//
// For tensors, safetensors.h. Free of torch.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace downbeat {

// In the order in which safetensors 0.8 puts tensors into a file.
enum class SafetensorsType : unsigned char {
  kU64,
  kI64,
  kF64,
  kC64,
  kF32,
  kU32,
  kI32,
  kBF16,
  kF16,
  kU16,
  kI16,
  kF8_E5M2FNUZ,
  kF8_E4M3FNUZ,
  kF8_E8M0,
  kF8_E4M3,
  kF8_E5M2,
  kI8,
  kU8,
  kF6_E3M2,
  kF6_E2M3,
  kF4,
  kBOOL,
};

const char* name_of(SafetensorsType type);  // "F32"
std::optional<SafetensorsType> safetensors_type(absl::string_view name);

struct SafetensorsTensor {
  SafetensorsType type;
  std::vector<int64_t> shape;
};

struct SafetensorsEntry : SafetensorsTensor {
  // Positions in the file, not in the data as in the header.
  uint64_t begin = 0;
  uint64_t end = 0;
};

using SafetensorsMetadata = std::map<std::string, std::string>;

struct SafetensorsHeader {
  SafetensorsMetadata metadata;
  std::map<std::string, SafetensorsEntry> tensors;  // by name
};

// Of a whole file; `path` is for sentences. What is returned can be relied on: the data of each tensor lies in the file
// and has the size that its shape needs, each byte after the header belongs to exactly one tensor, and shapes are such
// as LibTorch can have. Anything else is one sentence (absl::StatusCode::kDataLoss), as is a header of more than 100
// MB, a name or field that is there twice and a field that the format does not know; a type that it does not know is
// kUnimplemented. Nothing is allocated that the header does not hold.
absl::StatusOr<SafetensorsHeader> parse_safetensors_header(absl::string_view file, const std::string& path);

struct SafetensorsLayout {
  std::string header;              // all bytes before the data
  std::vector<std::string> names;  // in the order of the data, which has no gaps
};

// Byte for byte as the library writes it where `metadata` has no more than one entry; the library has no order for
// more, here they are sorted. A name that is not UTF-8 is refused, as is "__metadata__".
absl::StatusOr<SafetensorsLayout> lay_out_safetensors(const std::map<std::string, SafetensorsTensor>& tensors,
                                                      const SafetensorsMetadata& metadata);

}  // namespace downbeat
