#include "trainer/neftune.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>

#include <stdexcept>

namespace downbeat {
namespace {

// The number of layers that were set.
int set_noise(torch::nn::Module& model, double noise_alpha) {
  int layers = 0;
  for (const auto& module : model.modules()) {
    auto* embedding = dynamic_cast<NeftuneEmbeddingImpl*>(module.get());
    if (embedding == nullptr) continue;
    embedding->set_noise_alpha(noise_alpha);
    ++layers;
  }
  return layers;
}

}  // namespace

at::Tensor NeftuneEmbeddingImpl::forward(const at::Tensor& input) {
  const at::Tensor output = EmbeddingImpl::forward(input);
  if (!is_training() || noise_alpha_ == 0) return output;
  // In these steps the last bits are HuggingFace's: Python divides a number by a tensor as reciprocal times number.
  const at::Tensor root = at::sqrt(at::tensor(output.size(1) * output.size(2)));
  const auto limit = (root.reciprocal() * noise_alpha_).item<double>();
  return output + at::zeros_like(output).uniform_(-limit, limit);
}

void activate_neftune(torch::nn::Module& model, double noise_alpha) {
  if (set_noise(model, noise_alpha) > 0) return;
  throw std::invalid_argument(
      "neftune_noise_alpha needs a downbeat::NeftuneEmbedding (trainer/neftune.h) in the model, which has none");
}

void deactivate_neftune(torch::nn::Module& model) { set_noise(model, 0); }

}  // namespace downbeat
