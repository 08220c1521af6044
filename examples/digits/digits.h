// The UCI handwritten digits: 1797 images of 8 x 8 pixels, and how they are split.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>

#include "trainer/data/tensor_dataset.h"

namespace digits {

inline constexpr int64_t kTrainRows = 1437;  // the others, by other writers, are for evaluation

// digits.csv beside the program, wherever it is started from.
std::string default_data_path();

struct Split {
  downbeat::TensorDataset train;
  downbeat::TensorDataset eval;
};

// 64 pixels of 0 to 16 and the label in each line; pixels become float32 in [0, 1]. At most `train_rows` of the
// training part and `eval_rows` of the other, 0 meaning all. Throws std::runtime_error with a sentence that names file
// and line.
Split load_digits(const std::string& path, int64_t train_rows = 0, int64_t eval_rows = 0);

}  // namespace digits
