// GPT2Config: the sizes of a GPT-2, with the names and defaults of HuggingFace's class, and its config.json.
//
//   const absl::StatusOr<GPT2Config> config = gpt2_config_from_json(text);
//   to_json(*config);
//
// Free of torch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace gpt2 {

struct GPT2Config {
  int64_t vocab_size = 50257;
  int64_t n_positions = 1024;
  int64_t n_embd = 768;
  int64_t n_layer = 12;
  int64_t n_head = 12;
  std::optional<int64_t> n_inner;  // width of the multi-layer perceptron; 4 * n_embd where it is left out
  double resid_pdrop = 0.1;
  double embd_pdrop = 0.1;
  double attn_pdrop = 0.1;
  double layer_norm_epsilon = 1e-5;
  double initializer_range = 0.02;
  std::string others;  // the config.json it was read from, whose other fields are handed on
};

// A size that does not fit, or what gpt2.h does not compute (another activation, cross attention), is one sentence.
absl::StatusOr<GPT2Config> gpt2_config_from_json(absl::string_view text);
absl::Status validate(const GPT2Config& config);

// As GPT2Config writes it, so that GPT2LMHeadModel.from_pretrained() takes it.
std::string to_json(const GPT2Config& config);

}  // namespace gpt2
