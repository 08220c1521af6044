// Continues a text with a GPT2LMHeadModel, one token after the other.
//
//   const at::Tensor tokens = gpt2::generate(model, gpt2::tokens_of("Alice "), {.max_new_tokens = 100});
//
// Each token runs the whole text again: for long texts open the checkpoint with transformers and call its generate().
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "examples/gpt2/gpt2.h"

namespace gpt2 {

struct GenerateOptions {
  int64_t max_new_tokens = 300;
  double temperature = 0.8;  // 0: always the most likely token
  int64_t vocabulary = 256;  // only the first of the model's tokens
  int64_t seed = 42;
};

// `prompt` is int64 [tokens], at least one; returns it with what follows. Leaves the model in evaluation mode.
at::Tensor generate(GPT2LMHeadModel& model, const at::Tensor& prompt, const GenerateOptions& options = {});

}  // namespace gpt2
