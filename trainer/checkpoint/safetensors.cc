#include "trainer/checkpoint/safetensors.h"

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "callbacks/vocabulary/message.h"
#include "trainer/checkpoint/directory.h"

namespace downbeat {
namespace {

using Json = nlohmann::ordered_json;

// In the order in which the library puts tensors into a file.
constexpr std::pair<at::ScalarType, const char*> kTypes[] = {
    {at::kLong, "I64"}, {at::kDouble, "F64"}, {at::kFloat, "F32"}, {at::kInt, "I32"}, {at::kBFloat16, "BF16"},
    {at::kHalf, "F16"}, {at::kShort, "I16"},  {at::kChar, "I8"},   {at::kByte, "U8"}, {at::kBool, "BOOL"},
};

const auto* find_type(at::ScalarType type) {
  return std::find_if(std::begin(kTypes), std::end(kTypes), [&](const auto& known) { return known.first == type; });
}

struct Named {
  std::string name;
  at::Tensor tensor;  // contiguous, on the CPU
};

absl::string_view bytes_of(const at::Tensor& tensor) {
  return {static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()};
}

// By type, then by name.
std::vector<Named> in_file_order(const StateDict& tensors) {
  std::vector<Named> ordered;
  for (const auto& [name, tensor] : tensors) ordered.push_back({name, tensor.detach().cpu().contiguous()});
  std::stable_sort(ordered.begin(), ordered.end(), [](const Named& a, const Named& b) {
    return find_type(a.tensor.scalar_type()) < find_type(b.tensor.scalar_type());
  });
  return ordered;
}

std::string header_of(const std::vector<Named>& tensors) {
  Json header = {{"__metadata__", {{"format", "pt"}}}};
  std::size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    header[name] = {{"dtype", find_type(tensor.scalar_type())->second},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {offset, offset + tensor.nbytes()}}};
    offset += tensor.nbytes();
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

absl::Status damaged(const std::string& path, const std::string& what) {
  return absl::DataLossError(absl::StrCat(path, " is damaged: ", what));
}

// The bytes of a tensor; nothing where no tensor can have the shape.
std::optional<std::size_t> byte_size(const std::vector<int64_t>& shape, at::ScalarType type) {
  std::size_t bytes = c10::elementSize(type);
  for (const int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(bytes, static_cast<std::size_t>(size), &bytes)) return std::nullopt;
  }
  return bytes;
}

absl::StatusOr<at::Tensor> tensor_of(const Json& entry, const std::string& name, const std::string& data,
                                     const std::string& path) {
  const std::string type = entry.at("dtype");
  const auto* known =
      std::find_if(std::begin(kTypes), std::end(kTypes), [&](const auto& t) { return type == t.second; });
  if (known == std::end(kTypes)) {
    return absl::UnimplementedError(absl::StrCat("cannot read ", path, ": ", name, " has type ", type));
  }
  const auto shape = entry.at("shape").get<std::vector<int64_t>>();
  const auto offsets = entry.at("data_offsets").get<std::vector<std::size_t>>();
  const bool fits = offsets.size() == 2 && offsets[0] <= offsets[1] && offsets[1] <= data.size() &&
                    offsets[1] - offsets[0] == byte_size(shape, known->first);
  if (!fits) return damaged(path, absl::StrCat("the data of ", name, " does not fit its shape or the file is cut off"));
  at::Tensor tensor = at::empty(shape, known->first);
  std::memcpy(tensor.mutable_data_ptr(), data.data() + offsets[0], tensor.nbytes());
  return tensor;
}

std::string shape_text(const at::Tensor& tensor) { return absl::StrCat("[", absl::StrJoin(tensor.sizes(), ", "), "]"); }

}  // namespace

StateDict state_dict(const torch::nn::Module& model) {
  StateDict tensors;
  for (const auto& parameter : model.named_parameters()) tensors[parameter.key()] = parameter.value();
  for (const auto& buffer : model.named_buffers()) {
    if (buffer.value().defined()) tensors[buffer.key()] = buffer.value();
  }
  return tensors;
}

absl::Status save_safetensors(const StateDict& tensors, const std::string& path) {
  for (const auto& [name, tensor] : tensors) {
    if (find_type(tensor.scalar_type()) == std::end(kTypes)) {
      return absl::UnimplementedError(
          absl::StrCat("cannot write ", path, ": ", name, " has type ", c10::toString(tensor.scalar_type())));
    }
  }
  const std::vector<Named> ordered = in_file_order(tensors);
  const std::string header = header_of(ordered);
  const uint64_t header_size = header.size();  // little-endian, as every machine LibTorch runs on
  std::vector<absl::string_view> parts = {{reinterpret_cast<const char*>(&header_size), sizeof(header_size)}, header};
  for (const Named& named : ordered) parts.push_back(bytes_of(named.tensor));
  return write_file(path, parts);
}

absl::StatusOr<StateDict> load_safetensors(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
  uint64_t header_size = 0;
  file.read(reinterpret_cast<char*>(&header_size), sizeof(header_size));
  if (!file || header_size > (uint64_t{1} << 27)) return damaged(path, "it has no header");
  std::string text(header_size, '\0');
  file.read(text.data(), static_cast<std::streamsize>(header_size));
  const Json header = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!file || !header.is_object()) return damaged(path, "its header is no JSON object");
  const std::string data(std::istreambuf_iterator<char>(file), {});
  StateDict tensors;
  for (const auto& item : header.items()) {
    if (item.key() == "__metadata__") continue;
    try {
      absl::StatusOr<at::Tensor> tensor = tensor_of(item.value(), item.key(), data, path);
      if (!tensor.ok()) return tensor.status();
      tensors[item.key()] = *std::move(tensor);
    } catch (const Json::exception&) {
      return damaged(path, absl::StrCat("the entry of ", item.key(), " has no dtype, shape and data_offsets"));
    }
  }
  return tensors;
}

absl::Status load_state_dict(torch::nn::Module& model, const StateDict& tensors, bool strict) {
  const StateDict own = state_dict(model);
  std::vector<std::string> missing, unexpected;
  for (const auto& [name, tensor] : own) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) {
      missing.push_back(name);
    } else if (found->second.sizes() != tensor.sizes()) {
      return absl::InvalidArgumentError(absl::StrCat(name, " has shape ", shape_text(found->second),
                                                     " in the file but ", shape_text(tensor), " in the model"));
    }
  }
  for (const auto& item : tensors) {
    if (own.find(item.first) == own.end()) unexpected.push_back(item.first);
  }
  for (const auto& [names, what] : {std::pair(&missing, "lacks"), std::pair(&unexpected, "has unexpected")}) {
    if (names->empty()) continue;
    const std::string sentence = absl::StrCat("the file ", what, " ", absl::StrJoin(*names, ", "));
    if (strict) return absl::InvalidArgumentError(sentence);
    warn(sentence);
  }
  const c10::NoGradGuard no_grad;
  for (const auto& [name, tensor] : own) {
    if (const auto found = tensors.find(name); found != tensors.end()) tensor.copy_(found->second);
  }
  return absl::OkStatus();
}

}  // namespace downbeat
