#include "benchmarks/loop/workload.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/sum.h>
#include <c10/core/GradMode.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <stdexcept>
#include <vector>

#include "examples/digits/digits.h"
#include "trainer/data/tensor_dataset.h"
#include "trainer/seed.h"

namespace benchmark_loop {
namespace {

struct Linear : LogitsModel {
  Linear() : fc(register_module("fc", torch::nn::Linear(8, 1))) {}
  at::Tensor forward(const at::Tensor& inputs) override { return fc(inputs); }

  torch::nn::Linear fc;
};

struct Digits : LogitsModel {
  Digits()
      : fc1(register_module("fc1", torch::nn::Linear(64, 128))),
        fc2(register_module("fc2", torch::nn::Linear(128, 10))) {}
  at::Tensor forward(const at::Tensor& inputs) override { return fc2(at::relu(fc1(inputs))); }

  torch::nn::Linear fc1, fc2;
};

constexpr int64_t kWidth = 64, kHeads = 4, kLength = 32, kTokens = 256, kClasses = 10;

struct EncoderLayer : torch::nn::Module {
  EncoderLayer()
      : qkv(register_module("qkv", torch::nn::Linear(kWidth, 3 * kWidth))),
        proj(register_module("proj", torch::nn::Linear(kWidth, kWidth))),
        fc1(register_module("fc1", torch::nn::Linear(kWidth, 4 * kWidth))),
        fc2(register_module("fc2", torch::nn::Linear(4 * kWidth, kWidth))),
        ln1(register_module("ln1", torch::nn::LayerNorm(torch::nn::LayerNormOptions({kWidth})))),
        ln2(register_module("ln2", torch::nn::LayerNorm(torch::nn::LayerNormOptions({kWidth})))) {}

  at::Tensor forward(at::Tensor x) {
    const at::Tensor parts =
        qkv(ln1(x)).view({x.size(0), x.size(1), 3, kHeads, kWidth / kHeads}).permute({2, 0, 3, 1, 4});
    const std::vector<at::Tensor> each = parts.unbind(0);
    const at::Tensor attended = at::scaled_dot_product_attention(each[0], each[1], each[2]);
    x = x + proj(attended.transpose(1, 2).reshape(x.sizes()));
    return x + fc2(at::gelu(fc1(ln2(x))));
  }

  torch::nn::Linear qkv, proj, fc1, fc2;
  torch::nn::LayerNorm ln1, ln2;
};

struct Transformer : LogitsModel {
  Transformer()
      : tokens(register_module("tokens", torch::nn::Embedding(kTokens, kWidth))),
        positions(register_module("positions", torch::nn::Embedding(kLength, kWidth))),
        layers(register_module("layers", torch::nn::ModuleList())) {
    for (int i = 0; i < 2; ++i) layers->push_back(std::make_shared<EncoderLayer>());
    head = register_module("head", torch::nn::Linear(kWidth, kClasses));
  }

  at::Tensor forward(const at::Tensor& inputs) override {
    at::Tensor x = tokens(inputs) + positions(at::arange(kLength, inputs.options()));
    for (const auto& layer : *layers) x = layer->as<EncoderLayer>()->forward(x);
    return head(x.mean(1));
  }

  torch::nn::Embedding tokens, positions;
  torch::nn::ModuleList layers;
  torch::nn::Linear head{nullptr};
};

at::Tensor mean_squared_error(const at::Tensor& logits, const at::Tensor& labels) {
  return at::mse_loss(logits, labels);
}
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& labels) {
  return at::cross_entropy_loss(logits, labels);
}

Workload linear() {
  const at::Tensor inputs = at::rand({4096, 8});
  return {.inputs = inputs,
          .labels = inputs.sum(1, /*keepdim=*/true),
          .batch_size = 8,
          .model = std::make_shared<Linear>(),
          .gpt = nullptr,
          .loss = mean_squared_error};
}

Workload digits_mlp() {
  const downbeat::TensorDataset train = digits::load_digits(digits::default_data_path()).train;
  std::vector<int64_t> all(static_cast<std::size_t>(train.size()));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
  downbeat::Batch data = train.get_batch(all);
  return {.inputs = data.inputs,
          .labels = data.labels,
          .batch_size = 32,
          .model = std::make_shared<Digits>(),
          .gpt = nullptr,
          .loss = cross_entropy};
}

Workload transformer() {
  const at::Tensor inputs = at::randint(kTokens, {1024, kLength}, at::kLong);
  return {.inputs = inputs,
          .labels = inputs.sum(1).remainder(kClasses),
          .batch_size = 8,
          .model = std::make_shared<Transformer>(),
          .gpt = nullptr,
          .loss = cross_entropy};
}

Workload gpt() {
  constexpr int64_t kBlock = 64;
  const at::Tensor inputs = at::randint(kTokens, {256, kBlock}, at::kLong);
  return {.inputs = inputs,
          .labels = inputs,
          .batch_size = 2,
          .model = nullptr,
          .gpt = std::make_shared<gpt2::GPT2LMHeadModel>(gpt2::GPT2Config{.vocab_size = kTokens,
                                                                          .n_positions = kBlock,
                                                                          .n_embd = 384,
                                                                          .n_layer = 6,
                                                                          .n_head = 6,
                                                                          .n_inner = {},
                                                                          .resid_pdrop = 0,
                                                                          .embd_pdrop = 0,
                                                                          .attn_pdrop = 0,
                                                                          .others = {}}),
          .loss = nullptr};
}

}  // namespace

Workload make_workload(const std::string& name) {
  downbeat::set_seed(kSeed);
  if (name == "linear") return linear();
  if (name == "digits") return digits_mlp();
  if (name == "transformer") return transformer();
  if (name == "gpt") return gpt();
  throw std::invalid_argument("no model is called " + name + "; there are linear, digits, transformer and gpt");
}

double checksum(const torch::nn::Module& model) {
  const c10::NoGradGuard no_grad;
  double sum = 0;
  for (const at::Tensor& parameter : model.parameters()) sum += parameter.to(at::kDouble).abs().sum().item<double>();
  return sum;
}

}  // namespace benchmark_loop
