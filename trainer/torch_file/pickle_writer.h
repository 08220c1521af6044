// write_pickle: a value as a pickle of protocol 2, which torch.load reads with weights_only=True.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "trainer/torch_file/python_value.h"

namespace downbeat {

// Is told of each tensor, in order; gives the key under which its elements will be found in the file.
using StorageWriter = std::function<std::string(const at::Tensor& tensor)>;

// Tensors are written as if each had a storage of its own and were contiguous. Objects, and tensors of a type that
// torch.save has no storage for, are an error.
absl::StatusOr<std::string> write_pickle(const PythonValue& value, const StorageWriter& storage);

}  // namespace downbeat
