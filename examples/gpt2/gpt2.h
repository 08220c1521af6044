// GPT2LMHeadModel: GPT-2 with the names, the file format and, on a CPU, the bits of transformers' class of this name.
//
//   const auto model = std::make_shared<gpt2::GPT2LMHeadModel>(gpt2::GPT2Config{.vocab_size = 256, .n_layer = 2});
//   const auto trained = gpt2::from_pretrained("trainer_output/checkpoint-100");
//   const at::Tensor logits = trained->logits(input_ids);
//
// Weights are drawn as there, so that the same seed gives the same model. There is no key-value cache, no padding and
// no attention_mask: it is for training on whole blocks of text.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "examples/gpt2/gpt2_config.h"
#include "trainer/data/batch.h"
#include "trainer/forward.h"

namespace gpt2 {

class GPT2Model;

class GPT2LMHeadModel : public torch::nn::Module {
 public:
  static constexpr bool loss_shifts_labels = true;   // it predicts the next token
  static constexpr bool counts_first_labels = true;  // as transformers.Trainer does for this class

  // Throws std::invalid_argument with one sentence where the sizes do not go together.
  explicit GPT2LMHeadModel(GPT2Config config);

  // `inputs` are token numbers [batch, length], as are `labels`; the loss shifts these by one.
  downbeat::ModelOutput forward(const downbeat::Batch& batch, std::optional<int64_t> num_items_in_batch);

  at::Tensor logits(const at::Tensor& input_ids);  // [batch, length, vocab_size]

  const GPT2Config& configuration() const { return config_; }
  std::string config() const { return to_json(config_); }  // what Trainer writes into a checkpoint

 private:
  GPT2Config config_;
  std::shared_ptr<GPT2Model> transformer_;
};

// From a directory with config.json and model.safetensors, as save_pretrained(), Trainer's checkpoints and the hub have
// them. Throws std::runtime_error with one sentence that names the file.
std::shared_ptr<GPT2LMHeadModel> from_pretrained(const std::string& directory);

}  // namespace gpt2
