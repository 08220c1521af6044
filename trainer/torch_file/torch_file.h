// torch.save and torch.load for plain values and tensors: optimizer.pt, scheduler.pt, rng_state.pth.
//
//   absl::Status saved = save_torch_file(optimizer.state_dict(), "optimizer.pt");
//   absl::StatusOr<PythonValue> state = load_torch_file("optimizer.pt");
//
// Python reads what is written with torch.load(path, weights_only=True). Weights of a model are better kept in
// safetensors.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "trainer/torch_file/python_value.h"

namespace downbeat {

// No code of the file is ever run. A missing, cut-off or damaged file (its check sums are compared), and one that asks
// for what is not known, is one sentence that names it. No tensor or text is larger than the file, and all of them
// together are bounded by its size, whatever it claims.
absl::StatusOr<PythonValue> load_torch_file(const std::string& path);

// Writes tensors from their own memory, one after another, and waits until the file is on disk. One that is not
// contiguous or lies on a GPU is copied for as long as it is written.
absl::Status save_torch_file(const PythonValue& value, const std::string& path);

}  // namespace downbeat
