// CRC-32C (Castagnoli) of bytes, the check of TFRecord files.
//
//   crc32c("123456789") == 0xe3069283
#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>

namespace downbeat {

uint32_t crc32c(absl::string_view bytes);

}  // namespace downbeat
