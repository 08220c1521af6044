// GPT-2 trained by Trainer on given weights and tokens, with the logits and the loss of every forward written down, for
// gpt2_reference_test.py to compare with transformers.
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/throw_if_error.h"
#include "callbacks/vocabulary/training_arguments_flags.h"
#include "examples/gpt2/gpt2.h"
#include "trainer/checkpoint/safetensors.h"
#include "trainer/data/tensor_dataset.h"
#include "trainer/trainer.h"

namespace {

struct TwinArguments {
  std::string model_name_or_path, tokens, recorded;
  bool counts_first_labels = false;

  static constexpr const char* kTitle = "Twin";
  static void describe(auto& field) {
    field("model_name_or_path", &TwinArguments::model_name_or_path, "Directory of the initial model.");
    field("tokens", &TwinArguments::tokens, "safetensors file with tokens [blocks, length].");
    field("recorded", &TwinArguments::recorded, "safetensors file for what the forwards returned.");
    field("counts_first_labels", &TwinArguments::counts_first_labels,
          "Divide by all labels, also those that no token is predicted for.");
  }
};

// The model with its names, which writes down what it returns.
template <bool counts_first>
class Recorder : public torch::nn::Module {
 public:
  static constexpr bool loss_shifts_labels = true;
  static constexpr bool counts_first_labels = counts_first;

  explicit Recorder(std::shared_ptr<gpt2::GPT2LMHeadModel> model) : model_(std::move(model)) {
    for (const auto& child : model_->named_children()) register_module(child.key(), child.value());
  }

  downbeat::ModelOutput forward(const downbeat::Batch& batch, std::optional<int64_t> num_items_in_batch) {
    downbeat::ModelOutput output = model_->forward(batch, num_items_in_batch);
    recorded_[absl::StrCat("logits.", calls_)] = output.logits.detach().clone();
    recorded_[absl::StrCat("loss.", calls_)] = output.loss.detach().clone();
    ++calls_;
    return output;
  }
  std::string config() const { return model_->config(); }

  // The logits of a model in evaluation mode.
  void record_final(const at::Tensor& tokens) {
    const c10::NoGradGuard no_grad;
    eval();
    recorded_["final"] = model_->logits(tokens);
  }
  // Weights drawn with the default generator.
  void record_initial(const gpt2::GPT2Config& config) {
    const gpt2::GPT2LMHeadModel anew(config);
    for (const auto& [name, tensor] : downbeat::state_dict(anew)) recorded_["initial." + name] = tensor.detach();
  }
  const downbeat::StateDict& recorded() const { return recorded_; }

 private:
  std::shared_ptr<gpt2::GPT2LMHeadModel> model_;
  downbeat::StateDict recorded_;
  int64_t calls_ = 0;
};

template <bool counts_first>
void train(const TwinArguments& twin, const downbeat::TrainingArguments& args, const at::Tensor& tokens) {
  const auto model = gpt2::from_pretrained(twin.model_name_or_path);
  const auto recorder = std::make_shared<Recorder<counts_first>>(model);
  downbeat::set_seed(args.seed);
  recorder->record_initial(model->configuration());

  downbeat::Trainer trainer(recorder, args, downbeat::TensorDataset(tokens, tokens));
  trainer.train();
  recorder->record_final(tokens.slice(0, 0, 2));
  downbeat::throw_if_error(downbeat::save_safetensors(recorder->recorded(), twin.recorded));
}

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    TwinArguments twin;
    const auto args = downbeat::parse_training_arguments(argc, argv, twin);
    downbeat::set_num_threads(1);
    const auto data = downbeat::load_safetensors(twin.tokens);
    downbeat::throw_if_error(data.status());
    const at::Tensor tokens = data->at("tokens");
    twin.counts_first_labels ? train<true>(twin, args, tokens) : train<false>(twin, args, tokens);
  });
}
