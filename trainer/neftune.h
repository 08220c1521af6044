// NEFTune: noise on the embeddings in training, for better fine-tuning (arXiv:2310.05914).
//
//   struct Classifier : torch::nn::Module {
//     downbeat::NeftuneEmbedding embeddings = register_module("embeddings", downbeat::NeftuneEmbedding(1000, 64));
//     ...
//   };
//   Trainer trainer(std::make_shared<Classifier>(), {.neftune_noise_alpha = 5}, ...);
//
// LibTorch has no hooks on modules, so the layer of the input tokens is of this type. Without neftune_noise_alpha, in
// evaluation, and once training has ended it is a plain torch::nn::Embedding, with the same names of parameters.
#pragma once

#include <torch/nn/modules/embedding.h>
#include <torch/nn/pimpl.h>

namespace downbeat {

class NeftuneEmbeddingImpl : public torch::nn::EmbeddingImpl {
 public:
  using EmbeddingImpl::EmbeddingImpl;

  // [batch, tokens] -> [batch, tokens, dimensions], in training plus uniform noise of up to alpha / sqrt(tokens *
  // dimensions), drawn from the default generator as HuggingFace does.
  at::Tensor forward(const at::Tensor& input);

  void set_noise_alpha(double alpha) { noise_alpha_ = alpha; }  // 0: none

 private:
  double noise_alpha_ = 0;
};
TORCH_MODULE(NeftuneEmbedding);

// Sets the noise of every NeftuneEmbedding in the model. Throws std::invalid_argument where there is none.
void activate_neftune(torch::nn::Module& model, double noise_alpha);
void deactivate_neftune(torch::nn::Module& model);

}  // namespace downbeat
