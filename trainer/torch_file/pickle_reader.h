// read_pickle: the values in a pickle that torch.save wrote. It knows the opcodes of protocols 2 to 4 that plain values
// and tensors need and the few names that stand for tensors, ordered dicts and numpy arrays; whatever else a pickle
// asks for is refused with its name, even where it is not used. No code of a pickle is ever run.
//
// Files are read by torch_file.h.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "trainer/torch_file/python_value.h"

namespace downbeat {

// Gives the elements of a storage of the file: a tensor of one dimension of `type`. `elements` is what the pickle says
// that it has; an error where the file has another number.
using StorageReader =
    std::function<absl::StatusOr<at::Tensor>(const std::string& key, at::ScalarType type, int64_t elements)>;

absl::StatusOr<PythonValue> read_pickle(std::string_view bytes, const StorageReader& storage);

}  // namespace downbeat
