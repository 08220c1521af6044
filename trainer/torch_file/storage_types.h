// The storage classes by which torch.save names the type of a tensor's elements.
#pragma once

#include <c10/core/ScalarType.h>

#include <optional>
#include <string>
#include <string_view>

namespace downbeat {

// "FloatStorage" for float32; nothing for types that Python saves otherwise.
std::optional<at::ScalarType> type_of_storage(std::string_view name);
const char* storage_of_type(at::ScalarType type);  // null for those

}  // namespace downbeat
