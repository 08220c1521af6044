#include "trainer/torch_file/storage_types.h"

namespace downbeat {
namespace {

struct Known {
  const char* name;
  at::ScalarType type;
};
constexpr Known kKnown[] = {
    {"FloatStorage", at::kFloat},
    {"DoubleStorage", at::kDouble},
    {"HalfStorage", at::kHalf},
    {"BFloat16Storage", at::kBFloat16},
    {"LongStorage", at::kLong},
    {"IntStorage", at::kInt},
    {"ShortStorage", at::kShort},
    {"CharStorage", at::kChar},
    {"ByteStorage", at::kByte},
    {"BoolStorage", at::kBool},
    {"ComplexFloatStorage", at::kComplexFloat},
    {"ComplexDoubleStorage", at::kComplexDouble},
};

}  // namespace

std::optional<at::ScalarType> type_of_storage(std::string_view name) {
  for (const Known& known : kKnown) {
    if (name == known.name) return known.type;
  }
  return std::nullopt;
}

const char* storage_of_type(at::ScalarType type) {
  for (const Known& known : kKnown) {
    if (type == known.type) return known.name;
  }
  return nullptr;
}

}  // namespace downbeat
