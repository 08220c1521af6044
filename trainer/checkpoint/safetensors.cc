#include "trainer/checkpoint/safetensors.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "trainer/files/file_writer.h"
#include "trainer/files/mapped_file.h"
#include "trainer/files/printable_name.h"

namespace downbeat {
namespace {

constexpr std::pair<at::ScalarType, SafetensorsType> kTypes[] = {
    {at::kUInt64, SafetensorsType::kU64},
    {at::kLong, SafetensorsType::kI64},
    {at::kDouble, SafetensorsType::kF64},
    {at::kComplexFloat, SafetensorsType::kC64},
    {at::kFloat, SafetensorsType::kF32},
    {at::kUInt32, SafetensorsType::kU32},
    {at::kInt, SafetensorsType::kI32},
    {at::kBFloat16, SafetensorsType::kBF16},
    {at::kHalf, SafetensorsType::kF16},
    {at::kUInt16, SafetensorsType::kU16},
    {at::kShort, SafetensorsType::kI16},
    {at::kFloat8_e5m2fnuz, SafetensorsType::kF8_E5M2FNUZ},
    {at::kFloat8_e4m3fnuz, SafetensorsType::kF8_E4M3FNUZ},
    {at::kFloat8_e8m0fnu, SafetensorsType::kF8_E8M0},
    {at::kFloat8_e4m3fn, SafetensorsType::kF8_E4M3},
    {at::kFloat8_e5m2, SafetensorsType::kF8_E5M2},
    {at::kChar, SafetensorsType::kI8},
    {at::kByte, SafetensorsType::kU8},
    {at::kFloat4_e2m1fn_x2, SafetensorsType::kF4},
    {at::kBool, SafetensorsType::kBOOL},
};

std::optional<SafetensorsType> type_in_file(at::ScalarType type) {
  for (const auto& [own, in_file] : kTypes) {
    if (own == type) return in_file;
  }
  return std::nullopt;
}

std::optional<at::ScalarType> type_of(SafetensorsType type) {
  for (const auto& [own, in_file] : kTypes) {
    if (in_file == type) return own;
  }
  return std::nullopt;
}

// --- Writing ---

// What keeps a tensor from being written; empty where nothing does.
std::string refusal(const at::Tensor& tensor) {
  if (!tensor.defined()) return "is undefined";
  if (tensor.layout() != at::kStrided) return "is sparse";
  if (tensor.is_meta()) return "has no data";
  const std::optional<SafetensorsType> type = type_in_file(tensor.scalar_type());
  if (!type) return absl::StrCat("has type ", c10::toString(tensor.scalar_type()));
  const bool is_packed = type == SafetensorsType::kF4;
  return is_packed && tensor.dim() == 0 ? "is a pair of 4-bit numbers without a dimension" : "";
}

// An element of LibTorch's 4-bit type is two of the format's.
SafetensorsTensor described(const at::Tensor& tensor) {
  SafetensorsTensor described{*type_in_file(tensor.scalar_type()), tensor.sizes().vec()};
  if (described.type == SafetensorsType::kF4) described.shape.back() *= 2;
  return described;
}

absl::Status write_elements(const at::Tensor& tensor, FileWriter& file) {
  // Copies only where they are needed.
  const at::Tensor row = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous();
  return file.write({static_cast<const char*>(row.const_data_ptr()), row.nbytes()});
}

// --- Reading ---

absl::StatusOr<at::Tensor> tensor_of(const SafetensorsEntry& entry, const std::shared_ptr<MappedFile>& file) {
  const std::optional<at::ScalarType> type = type_of(entry.type);
  std::vector<int64_t> shape = entry.shape;
  const bool is_packed = entry.type == SafetensorsType::kF4;
  if (!type || (is_packed && (shape.empty() || shape.back() % 2 != 0))) {
    return absl::UnimplementedError(
        absl::StrCat("has type ", name_of(entry.type), is_packed ? " in an odd number" : ""));
  }
  if (is_packed) shape.back() /= 2;
  if (entry.begin == entry.end) return at::empty(shape, *type);
  char* data = file->data() + entry.begin;
  if (reinterpret_cast<std::uintptr_t>(data) % c10::elementSize(*type) == 0) {
    const auto forget = [file, size = entry.end - entry.begin](void* bytes) {
      file->forget(static_cast<char*>(bytes), size);
    };
    return at::from_blob(data, shape, forget, at::TensorOptions(*type));
  }
  at::Tensor copy = at::empty(shape, *type);
  std::memcpy(copy.mutable_data_ptr(), data, copy.nbytes());
  return copy;
}

}  // namespace

absl::Status save_safetensors(const StateDict& tensors, const std::string& path, const SafetensorsMetadata& metadata) {
  std::map<std::string, SafetensorsTensor> descriptions;
  for (const auto& [name, tensor] : tensors) {
    if (const std::string why = refusal(tensor); !why.empty()) {
      return absl::UnimplementedError(absl::StrCat("cannot write ", path, ": ", name, " ", why));
    }
    descriptions[name] = described(tensor);
  }
  SafetensorsMetadata all_metadata = metadata;
  all_metadata["format"] = "pt";
  const absl::StatusOr<SafetensorsLayout> layout = lay_out_safetensors(descriptions, all_metadata);
  if (!layout.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot write ", path, ": ", std::string(layout.status().message())));
  }
  FileWriter file;
  absl::Status status = file.open(path);
  if (status.ok()) status = file.write(layout->header);
  for (const std::string& name : layout->names) {
    if (!status.ok()) return status;
    status = write_elements(tensors.at(name), file);
  }
  return status.ok() ? file.finish() : status;
}

absl::StatusOr<StateDict> load_safetensors(const std::string& path) {
  const absl::StatusOr<std::shared_ptr<MappedFile>> file = MappedFile::open(path);
  if (!file.ok()) return file.status();
  const absl::StatusOr<SafetensorsHeader> header = parse_safetensors_header((*file)->bytes(), path);
  if (!header.ok()) return header.status();
  StateDict tensors;
  for (const auto& [name, entry] : header->tensors) {
    absl::StatusOr<at::Tensor> tensor = tensor_of(entry, *file);
    if (!tensor.ok()) {
      return absl::UnimplementedError(
          absl::StrCat("cannot read ", path, ": ", printable_name(name), " ", std::string(tensor.status().message())));
    }
    tensors.emplace_hint(tensors.end(), name, *std::move(tensor));
  }
  return tensors;
}

}  // namespace downbeat
