#include "examples/gpt2/gpt2.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/normalization.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numbers>
#include <stdexcept>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/throw_if_error.h"
#include "trainer/checkpoint/model_weights.h"

namespace gpt2 {
namespace {

// The same operations in the same order as modeling_gpt2.py: another order would change the last bits. That of the
// gradients is the reverse of it, so that the order of the operands, which C++ leaves open, is spelled out.

at::Tensor gelu_new(const at::Tensor& x) {
  const double scale = std::sqrt(2.0 / std::numbers::pi);
  const at::Tensor half = 0.5 * x;
  const at::Tensor inner = x + 0.044715 * at::pow(x, 3.0);
  return half * (1.0 + at::tanh(scale * inner));
}

torch::nn::LayerNorm layer_norm(const GPT2Config& config) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({config.n_embd}).eps(config.layer_norm_epsilon));
}

// A linear layer whose weight is [inputs, outputs], as GPT-2 was published.
struct Conv1D : torch::nn::Module {
  Conv1D(int64_t inputs, int64_t outputs)
      : weight(register_parameter("weight", at::empty({inputs, outputs}).normal_(0.0, 0.02))),
        bias(register_parameter("bias", at::zeros({outputs}))) {}

  at::Tensor forward(const at::Tensor& x) {
    std::vector<int64_t> shape = x.sizes().vec();
    shape.back() = weight.size(1);
    return at::addmm(bias, x.view({-1, x.size(-1)}), weight).view(shape);
  }

  at::Tensor weight, bias;
};

struct Attention : torch::nn::Module {
  explicit Attention(const GPT2Config& config)
      : c_attn(register_module("c_attn", std::make_shared<Conv1D>(config.n_embd, 3 * config.n_embd))),
        c_proj(register_module("c_proj", std::make_shared<Conv1D>(config.n_embd, config.n_embd))),
        width(config.n_embd),
        head_width(config.n_embd / config.n_head),
        attn_pdrop(config.attn_pdrop),
        resid_pdrop(config.resid_pdrop) {}

  at::Tensor forward(const at::Tensor& x) {
    const std::vector<at::Tensor> parts = c_attn->forward(x).split(width, /*dim=*/2);
    const at::Tensor key = heads(parts[1]);
    const at::Tensor value = heads(parts[2]);
    const at::Tensor query = heads(parts[0]);
    const double dropout = is_training() ? attn_pdrop : 0.0;
    const double scale = std::pow(static_cast<double>(head_width), -0.5);
    const at::Tensor attended = at::scaled_dot_product_attention(query, key, value, /*attn_mask=*/{}, dropout,
                                                                 /*is_causal=*/x.size(1) > 1, scale)
                                    .transpose(1, 2)
                                    .contiguous();
    return at::dropout(c_proj->forward(attended.view(x.sizes())), resid_pdrop, is_training());
  }

  // [batch, length, width] to [batch, heads, length, head_width]
  at::Tensor heads(const at::Tensor& x) const { return x.view({x.size(0), x.size(1), -1, head_width}).transpose(1, 2); }

  std::shared_ptr<Conv1D> c_attn, c_proj;
  int64_t width, head_width;
  double attn_pdrop, resid_pdrop;
};

struct MLP : torch::nn::Module {
  explicit MLP(const GPT2Config& config)
      : c_fc(register_module("c_fc", std::make_shared<Conv1D>(config.n_embd, inner_width(config)))),
        c_proj(register_module("c_proj", std::make_shared<Conv1D>(inner_width(config), config.n_embd))),
        resid_pdrop(config.resid_pdrop) {}

  at::Tensor forward(const at::Tensor& x) {
    return at::dropout(c_proj->forward(gelu_new(c_fc->forward(x))), resid_pdrop, is_training());
  }

  static int64_t inner_width(const GPT2Config& config) { return config.n_inner.value_or(4 * config.n_embd); }

  std::shared_ptr<Conv1D> c_fc, c_proj;
  double resid_pdrop;
};

struct Block : torch::nn::Module {
  explicit Block(const GPT2Config& config)
      : ln_1(register_module("ln_1", layer_norm(config))),
        attn(register_module("attn", std::make_shared<Attention>(config))),
        ln_2(register_module("ln_2", layer_norm(config))),
        mlp(register_module("mlp", std::make_shared<MLP>(config))) {}

  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor attended = attn->forward(ln_1(x)) + x;
    return attended + mlp->forward(ln_2(attended));
  }

  torch::nn::LayerNorm ln_1;
  std::shared_ptr<Attention> attn;
  torch::nn::LayerNorm ln_2;
  std::shared_ptr<MLP> mlp;
};

}  // namespace

class GPT2Model : public torch::nn::Module {
 public:
  explicit GPT2Model(const GPT2Config& config)
      : wte(register_module("wte", torch::nn::Embedding(config.vocab_size, config.n_embd))),
        wpe(register_module("wpe", torch::nn::Embedding(config.n_positions, config.n_embd))),
        h(register_module("h", torch::nn::ModuleList())),
        embd_pdrop(config.embd_pdrop) {
    for (int64_t i = 0; i < config.n_layer; ++i) h->push_back(std::make_shared<Block>(config));
    ln_f = register_module("ln_f", layer_norm(config));
    init_weights(config.initializer_range);
  }

  at::Tensor forward(const at::Tensor& input_ids) {
    const at::Tensor positions = at::arange(input_ids.size(1), input_ids.options()).unsqueeze(0);
    const at::Tensor tokens = wte(input_ids);
    at::Tensor x = tokens + wpe(positions);
    x = at::dropout(x, embd_pdrop, is_training());
    for (const auto& block : *h) x = block->as<Block>()->forward(x);
    return ln_f(x);
  }

  torch::nn::Embedding wte, wpe;
  torch::nn::ModuleList h;
  torch::nn::LayerNorm ln_f{nullptr};
  double embd_pdrop;

 private:
  // transformers draws c_proj twice, the second time scaled by the number of additions to the residual stream.
  void init_weights(double range) {
    const c10::NoGradGuard no_grad;
    const double scaled = range / std::sqrt(2.0 * static_cast<double>(h->size()));
    wte->weight.normal_(0.0, range);
    wpe->weight.normal_(0.0, range);
    for (const auto& module : *h) {
      Block& block = *module->as<Block>();
      block.attn->c_attn->weight.normal_(0.0, range);
      block.attn->c_proj->weight.normal_(0.0, range).normal_(0.0, scaled);
      block.mlp->c_fc->weight.normal_(0.0, range);
      block.mlp->c_proj->weight.normal_(0.0, range).normal_(0.0, scaled);
    }
  }
};

namespace {

GPT2Config checked(GPT2Config config) {
  const absl::Status status = validate(config);
  if (!status.ok()) throw std::invalid_argument(std::string(status.message()));
  return config;
}

// Each position's label is the next token. The sum is divided by the labels of the whole step, where they are known.
at::Tensor causal_lm_loss(const at::Tensor& logits, const at::Tensor& labels, std::optional<int64_t> num_items) {
  constexpr int64_t kIgnored = -100;
  const at::Tensor shifted = at::constant_pad_nd(labels, {0, 1}, kIgnored).slice(/*dim=*/-1, /*start=*/1).contiguous();
  const at::Tensor loss =
      at::cross_entropy_loss(logits.to(at::kFloat).view({-1, logits.size(-1)}), shifted.view(-1),
                             /*weight=*/{}, num_items ? at::Reduction::Sum : at::Reduction::Mean, kIgnored);
  return num_items ? loss / *num_items : loss;
}

}  // namespace

// lm_head shares the weight of wte and is therefore neither a parameter nor in the file.
GPT2LMHeadModel::GPT2LMHeadModel(GPT2Config config)
    : config_(checked(std::move(config))),
      transformer_(register_module("transformer", std::make_shared<GPT2Model>(config_))) {}

at::Tensor GPT2LMHeadModel::logits(const at::Tensor& input_ids) {
  return at::linear(transformer_->forward(input_ids), transformer_->wte->weight);
}

downbeat::ModelOutput GPT2LMHeadModel::forward(const downbeat::Batch& batch,
                                               std::optional<int64_t> num_items_in_batch) {
  downbeat::ModelOutput output{.loss = {}, .logits = logits(batch.inputs)};
  if (batch.labels.defined()) output.loss = causal_lm_loss(output.logits, batch.labels, num_items_in_batch);
  return output;
}

namespace {

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
  if (std::filesystem::is_directory(path)) throw std::runtime_error(absl::StrCat(path, " is a directory"));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

[[noreturn]] void fail(const std::string& path, const absl::Status& status) {
  throw std::runtime_error(absl::StrCat(path, ": ", std::string(status.message())));
}

// Names as GPT2LMHeadModel has them. The first GPT-2 files lack the prefix and hold the mask as a buffer of each block.
downbeat::StateDict with_current_names(const downbeat::StateDict& tensors) {
  downbeat::StateDict renamed;
  for (const auto& [name, tensor] : tensors) {
    const bool is_mask = absl::EndsWith(name, ".attn.bias") || absl::EndsWith(name, ".attn.masked_bias");
    if (is_mask || name == "lm_head.weight") continue;
    renamed[absl::StartsWith(name, "transformer.") ? name : "transformer." + name] = tensor;
  }
  return renamed;
}

}  // namespace

std::shared_ptr<GPT2LMHeadModel> from_pretrained(const std::string& directory) {
  const std::string config_path = directory + "/config.json";
  const absl::StatusOr<GPT2Config> config = gpt2_config_from_json(read_text(config_path));
  if (!config.ok()) fail(config_path, config.status());
  auto model = std::make_shared<GPT2LMHeadModel>(*config);
  const auto weights = downbeat::load_weights(directory);
  downbeat::throw_if_error(weights.status());
  const absl::Status loaded = downbeat::load_state_dict(*model, with_current_names(*weights), /*strict=*/true);
  if (!loaded.ok()) fail(downbeat::weights_file(directory), loaded);
  return model;
}

}  // namespace gpt2
