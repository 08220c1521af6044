// Text as tokens without a vocabulary file: a byte is a token. The numbers are those that GPT-2's own vocabulary gives
// to single bytes, its first 256, so that the published models can be trained with them too.
//
//   const gpt2::Split data = gpt2::load_text("alice.txt", /*block_size=*/64);
//   gpt2::text_of(gpt2::tokens_of("Alice")) == "Alice"
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "trainer/data/tensor_dataset.h"

namespace gpt2 {

inline constexpr int64_t kByteTokens = 256;

at::Tensor tokens_of(const std::string& text);  // int64 [bytes]
std::string text_of(const at::Tensor& tokens);

// alice.txt beside the program, wherever it is started from.
std::string default_text_path();

struct Split {
  downbeat::TensorDataset train;
  downbeat::TensorDataset eval;
};

// A file cut into blocks of `block_size` tokens, which are their own labels; the rest at the end is dropped. The last
// tenth of the blocks is for evaluation. Throws std::runtime_error with one sentence that names the file.
Split load_text(const std::string& path, int64_t block_size);

}  // namespace gpt2
