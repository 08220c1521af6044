// Pickles written by hand: what an honest pickler would never write.
#pragma once

#include <ATen/ops/zeros.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "trainer/torch_file/pickle_reader.h"

namespace downbeat::testing {

inline std::string short_text(std::string_view text) {  // protocol 4
  return "\x8c" + std::string(1, static_cast<char>(text.size())) + std::string(text);
}
inline std::string int_of(int64_t number) {
  return "\x8a\x08" + std::string(reinterpret_cast<const char*>(&number), sizeof(number));
}
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string storage(const std::string& key, int64_t elements, const std::string& type = "FloatStorage") {
  return "(" + short_text("storage") + global("torch", type) + short_text(key) + short_text("cpu") + int_of(elements) +
         "tQ";
}
// SIZES and STRIDES are opcodes that leave a tuple.
inline std::string tensor(const std::string& storage, int64_t offset, const std::string& sizes,
                          const std::string& strides) {
  return global("torch._utils", "_rebuild_tensor_v2") + "(" + storage + int_of(offset) + sizes + strides + "\x89}tR";
}

// Zeros for every storage of up to 8192 elements.
inline absl::StatusOr<at::Tensor> small_storage(const std::string& key, at::ScalarType type, int64_t elements) {
  if (elements < 0 || elements > 8192) return absl::DataLossError("the storage " + key + " is too large");
  return at::zeros({elements}, type);
}

}  // namespace downbeat::testing
